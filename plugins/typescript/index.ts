// What the author of a mapping plugin in TypeScript depends on. `tidegate pack new --lang typescript` writes it into a
// plugin's folder `sdk`, beside the contract's types.
//
// The kit knows no CRM and no region. It reads no clock and no random numbers, and a plugin cannot: what JavaScript has of
// them throws. An exception in a plugin costs the record that it was at, never the batch.

import log from "tidegate:mapping/log";
import phone from "tidegate:mapping/phone";
import type { Adviser, Canonical, Client, Context, Cover, Diagnostic, Event, Extension, FieldExplanation, FileNote, Goal, Manifest, Outcome, RawRecord, RecordKind, RuleProblem, Severity, Source, Verdict } from "tidegate:mapping/mapper";
import type { Number as PhoneNumber } from "tidegate:mapping/phone";

export type * from "tidegate:mapping/mapper";
export type { PhoneNumber };

// Else a plugin would have the time at which it was built, and the random numbers of that moment, for ever.
const refuse = (what: string, instead: string) => (): never => {
  throw new Error(`a plugin has no ${what}: the same record gives the same answer, always${instead}`);
};
const noClock = refuse("clock", "; the day is context.asOf");
Math.random = refuse("random numbers", "");
Date.now = noClock;
globalThis.Date = new Proxy(Date, {
  apply: noClock,
  construct: (date, given, of) => (given.length === 0 ? noClock() : Reflect.construct(date, given, of)),
});

/** What becomes of a raw record: canonical records, or a word for why there are none; the recorder says the reason. */
export type Result = Canonical[] | "skipped" | "rejected";

/** A field of a canonical record. */
export type Field = keyof Client | keyof Adviser | keyof Goal | keyof Cover;

/** A mapping, configured with its rules. Pure: the same rules, context and record give the same answer, always. */
export interface Plugin {
  /** What has to be read from the CRM. */
  sources(): Source[];
  /** Maps one raw record. `json` is its text, parsed. The same function maps and explains: tell the recorder each origin. */
  map(context: Context, raw: RawRecord, json: unknown, recorder: Recorder): Result;
  /** Writes the file note of an event, or throws the diagnostics that say why not. */
  renderNote(context: Context, event: Event): FileNote;
}

/** The manifest as manifest.json has it. */
export interface ManifestFile {
  name: string;
  version: string;
  crm: string;
  regions: string[];
  kinds: RecordKind[];
  kinds_reading_as_of: RecordKind[];
  fields_read: string[];
  fields_written: string[];
  events: string[];
  rules_schema: Schema;
}

/** The parts of JSON Schema that rules are held against. */
export interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  enum?: unknown[];
  pattern?: string;
}

/** Where a field comes from. */
export interface Origin {
  /** A JSON Pointer into the raw record and a name below it. */
  source: [string, string];
  /** What stands there, as text. */
  sourceValue?: string | null;
  /** A JSON Pointer into the rules, a space, and what the rule says. */
  rule?: string;
}

/** All that is wrong with rules, each with its place. */
export class RuleProblems {
  readonly list: RuleProblem[] = [];

  add(path: string, message: string): void {
    this.list.push({ path, message: whole(message) });
  }

  /** Ends configuring where something is wrong. */
  raise(): void {
    if (this.list.length > 0) throw this;
  }
}

/** Takes what a mapping says beside the record: diagnostics always, and origins when somebody asks. */
export class Recorder {
  readonly diagnostics: Diagnostic[] = [];
  readonly origins: Map<string, Origin> | null;
  #place = "";

  constructor(explains: boolean) {
    this.origins = explains ? new Map() : null;
  }

  /** Makes what follows be about a record of a list, `goals` and its place in what is made, until `leave`. */
  enter(list: string, index: number): void {
    this.#place = `${list}[${index}].`;
  }

  leave(): void {
    this.#place = "";
  }

  origin(field: Field, origin: Origin): void {
    this.origins?.set(this.#place + snake(field), origin);
  }

  /** Something worth knowing: a value was derived or normalised, nothing was left out. */
  info(field: Field, code: string, message: string): void {
    this.#add("info", field, code, message);
  }

  /** A value was left out or stands in doubt. */
  warn(field: Field, code: string, message: string): void {
    this.#add("warning", field, code, message);
  }

  /** Something about the record as a whole. */
  whole(severity: Severity, code: string, message: string): void {
    this.#add(severity, null, code, message);
  }

  /** The meaning of a word; none of one that the rules do not know, with a diagnostic that says where to add it. */
  known<T>(field: Field, word: string | null, table: Map<string, T>, path: string): T | null {
    if (word === null) return null;
    const meaning = table.get(normal(word));
    if (meaning !== undefined) return meaning;
    const named = snake(field).replaceAll("_", " ");
    const code = `unknown-${snake(field).replaceAll("_", "-")}`;
    this.warn(field, code, `“${word}” is no ${named} the rules know; it was left out. Add it to ${path} in the pack's rules, or correct it in the CRM.`);
    return null;
  }

  #add(severity: Severity, field: Field | null, code: string, message: string): void {
    this.diagnostics.push({ severity, field: field === null ? null : this.#place + snake(field), code, message: whole(message) });
  }
}

/** The contract's exports of a plugin. `pack build` calls it; a plugin does not. */
export function component(configure: (rules: unknown) => Plugin, manifest: ManifestFile) {
  let plugin: Plugin | null = null;
  const run = (context: Context, raw: RawRecord, recorder: Recorder): Result => {
    if (plugin === null) throw new Error("the host calls `configure` first");
    const text = utf8(raw.json);
    let json: unknown;
    try {
      if (text === null || isTooDeep(text)) throw new Error("no record");
      json = JSON.parse(text);
    } catch {
      recorder.whole("error", "not-json", "What the CRM sent is no JSON; the record is kept aside until it can be read.");
      return "rejected";
    }
    try {
      return plugin.map(context, raw, json, recorder);
    } catch (error) {
      recorder.leave();
      recorder.whole("error", "exception", `The plugin failed on this record: ${told(error)}. Tell the pack's author.`);
      return "rejected";
    }
  };
  return {
    describe(): Manifest {
      return {
        name: manifest.name,
        version: manifest.version,
        crm: manifest.crm,
        regions: manifest.regions,
        kinds: manifest.kinds,
        kindsReadingAsOf: manifest.kinds_reading_as_of,
        fieldsRead: manifest.fields_read,
        fieldsWritten: manifest.fields_written,
        events: manifest.events,
        rulesSchema: JSON.stringify(manifest.rules_schema),
      };
    },

    configure(text: string): Source[] {
      const problems = new RuleProblems();
      try {
        const rules: unknown = JSON.parse(text);
        check(rules, manifest.rules_schema, "", problems);
        problems.raise();
        plugin = configure(rules);
        return plugin.sources();
      } catch (error) {
        if (!(error instanceof RuleProblems)) problems.add("", `The rules cannot be used: ${told(error)}`);
        throw (error instanceof RuleProblems ? error : problems).list;
      }
    },

    map(context: Context, records: RawRecord[]): Outcome[] {
      return records.map((raw) => {
        const recorder = new Recorder(false);
        return { id: raw.id, verdict: verdict(run(context, raw, recorder), recorder.diagnostics) };
      });
    },

    explain(context: Context, raw: RawRecord): FieldExplanation[] {
      const recorder = new Recorder(true);
      return explained(run(context, raw, recorder), recorder);
    },

    renderNote(context: Context, event: Event): FileNote {
      try {
        if (plugin === null) throw new Error("the host calls `configure` first");
        return plugin.renderNote(context, event);
      } catch (error) {
        if (Array.isArray(error)) throw error;
        throw [{ severity: "error", field: null, code: "exception", message: `No note was written: ${told(error)}` } satisfies Diagnostic];
      }
    },
  };
}

function verdict(result: Result, diagnostics: Diagnostic[]): Verdict {
  return typeof result === "string" ? { tag: result, val: diagnostics } : { tag: "mapped", val: { records: result, diagnostics } };
}

/** A field at a time, each with the value of the outcome itself; the record as a whole where there is something to say of it. */
function explained(result: Result, recorder: Recorder): FieldExplanation[] {
  const values: [string, string | null][] = [];
  for (const [index, { tag, val }] of (typeof result === "string" ? [] : result).entries()) {
    const prefix = tag === "goal" || tag === "cover" ? `${tag}s[${index}].` : "";
    for (const [key, value] of Object.entries(val)) {
      if (key !== "extensions") values.push([prefix + snake(key), written(key, value)]);
      else for (const { name, value: text } of value as Extension[]) values.push([`${prefix}extensions.${name}`, text]);
    }
  }
  const fields = new Set(values.map(([field]) => field));
  const rest = recorder.diagnostics.filter((said) => said.field == null || !fields.has(said.field));
  const all: FieldExplanation[] = values.map(([field, value]) => {
    const origin = recorder.origins?.get(field);
    const diagnostics = recorder.diagnostics.filter((said) => said.field === field);
    const source = origin ? `${origin.source[0]}/${origin.source[1].replaceAll("~", "~0").replaceAll("/", "~1")}` : null;
    return { field, value, source, sourceValue: origin?.sourceValue ?? null, rule: origin?.rule ?? null, diagnostics };
  });
  if (rest.length > 0) all.push({ field: "record", value: null, source: null, sourceValue: null, rule: null, diagnostics: rest });
  return all;
}

/** A value as text: choices in the words of the records' JSON, money as its currency and amount. */
function written(key: string, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "object") return `${(value as { currency: string }).currency} ${(value as { amount: string }).amount}`;
  if (key === "title") return `${String(value).slice(0, 1).toUpperCase()}${String(value).slice(1)}`;
  return CHOICES.has(key) ? String(value).replaceAll("-", "_") : String(value);
}

const CHOICES = new Set(["sex", "status", "owner", "outlook", "type", "premiumFrequency"]);

/** Holds rules against the manifest's schema: a key that is not known is an error, and no rule that silently does nothing. */
function check(value: unknown, schema: Schema, path: string, problems: RuleProblems): void {
  const kind = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  const fits = schema.type === undefined || schema.type === kind || (schema.type === "integer" && Number.isInteger(value));
  if (!fits) return problems.add(path, `It is ${kind}, and is to be ${schema.type}.`);
  if (schema.enum && !schema.enum.includes(value)) problems.add(path, `It is to be one of ${schema.enum.map(String).join(", ")}.`);
  if (schema.pattern && typeof value === "string" && !new RegExp(schema.pattern, "u").test(value)) problems.add(path, `It is not of the form ${schema.pattern}.`);
  if (Array.isArray(value)) value.forEach((item, index) => schema.items && check(item, schema.items, `${path}/${index}`, problems));
  if (kind !== "object") return;
  const members = value as Record<string, unknown>;
  for (const name of schema.required ?? []) if (!Object.hasOwn(members, name)) problems.add(path, `missing field \`${name}\``);
  for (const [name, member] of Object.entries(members)) {
    const place = `${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const known = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : schema.additionalProperties;
    if (known === false) problems.add(place, "There is no such rule.");
    else if (typeof known === "object") check(member, known, place, problems);
  }
}

/** A table from the CRM's spellings to what they mean. Case, full stops and blanks do not matter. */
export function spellings<T>(table: Partial<Record<string, string[]>>, meanings: Record<string, T>, path: string, problems: RuleProblems): Map<string, T> {
  const words = new Map<string, T>();
  for (const [key, list] of Object.entries(table)) {
    const meaning = Object.hasOwn(meanings, key) ? meanings[key] : undefined;
    if (meaning === undefined) {
      problems.add(`${path}/${key}`, `There is no “${key}”; the choices are ${Object.keys(meanings).join(", ")}.`);
      continue;
    }
    for (const word of list ?? []) {
      if (words.has(normal(word))) problems.add(`${path}/${key}`, `“${word}” stands twice; a word can stand once only.`);
      words.set(normal(word), meaning);
    }
  }
  return words;
}

/** A number as the host's library reads it from a region; null of what is none. The host has to be asked: do so only about what may be one. */
export function parsePhone(text: string, region: string | null): PhoneNumber | null {
  try {
    return phone.parse(text, region);
  } catch {
    return null;
  }
}

/** Writes a line for the operator. Nothing about a person belongs in it. */
export function logLine(level: "debug" | "info" | "warn", message: string): void {
  log.write(level, whole(message));
}

/** The members of an object; none of anything else. */
export function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** A text or number without what cannot be seen, runs of blanks made one, none at the ends; null where nothing is left. */
export function clean(value: unknown): string | null {
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : null;
  if (typeof value !== "string") return null;
  if (/^[!-~]+(?: [!-~]+)*$/.test(value)) return value;
  const cleaned = whole(value).replace(/[\p{Cf}\0-\x08\x0e-\x1f\x7f-\x9f]+/gu, "").replace(/\s+/gu, " ").trim();
  return cleaned === "" ? null : cleaned;
}

/** A word as tables compare it. */
export function normal(word: string): string {
  return word.toLowerCase().replace(/[\s.]+/gu, "");
}

/** A text that can be written as UTF-8: half a surrogate becomes U+FFFD. */
function whole(text: string): string {
  return text.replace(/[\ud800-\udfff]/gu, "\ufffd");
}

/** `dateOfBirth` as `date_of_birth`, `addressLine1` as `address_line_1`. */
function snake(name: string): string {
  return name.replace(/[A-Z]|(?<=[a-z])[0-9]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** An exception in a line: what it is, what it says, and where it was thrown. */
function told(error: unknown): string {
  if (!(error instanceof Error)) return whole(String(error));
  const place = /\(?([\w./-]+\.js:\d+)/.exec(error.stack ?? "")?.[1];
  return whole(`${error.name}: ${error.message}${place ? ` (${place})` : ""}`);
}

/** Bytes as text; null where they are no UTF-8. What does the work is the engine's own. */
function utf8(bytes: Uint8Array): string | null {
  let units = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    units += String.fromCharCode.apply(null, bytes.slice(at, at + 8192) as unknown as number[]);
  }
  if (!/[\x80-\xff]/.test(units)) return units;
  try {
    return decodeURIComponent(escape(units));
  } catch {
    return null;
  }
}

/** Whether JSON nests deeper than any record does: its parser calls itself, and the stack has an end. */
function isTooDeep(text: string): boolean {
  if ((text.match(/[[{]/g)?.length ?? 0) <= DEEPEST) return false;
  let depth = 0;
  for (const [mark] of text.replace(/"(?:[^"\\]|\\.)*"?/gs, "").matchAll(/[[{}\]]/g)) {
    depth += mark === "[" || mark === "{" ? 1 : -1;
    if (depth > DEEPEST) return true;
  }
  return false;
}

const DEEPEST = 128;
