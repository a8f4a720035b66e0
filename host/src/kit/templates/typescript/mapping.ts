// Maps the clients of {{CRM}} sites in {{REGION}}: a start of a few fields, to be gone on from.
//
// What a site calls a field is a rule (pack/rules.toml); how a field is read, chosen and checked is code.

import { clean, parsePhone, record, RuleProblems, spellings } from "../sdk/index.js";
import type { Client, Context, Event, FileNote, Plugin, RawRecord, Recorder, Result, Source, Title } from "../sdk/index.js";

/** The rules, as pack/rules.toml has them. */
interface Rules {
  client: {
    resource: string;
    fields: { title: string; first_name: string; last_name: string; email: string; mobile: string };
    titles: Partial<Record<string, string[]>>;
  };
  examples?: unknown;
}

/** The practice's titles, and the contract's words for them. */
const TITLES: Record<string, Title> = { Mr: "mr", Mrs: "mrs", Ms: "ms", Miss: "miss", Dr: "dr", Prof: "prof" };

class Mapping implements Plugin {
  readonly #fields: Rules["client"]["fields"];
  readonly #resource: string;
  readonly #titles: Map<string, Title>;

  /** Takes rules that fit the manifest's schema: the SDK has checked that. */
  constructor(rules: Rules) {
    const problems = new RuleProblems();
    this.#fields = rules.client.fields;
    this.#resource = rules.client.resource;
    this.#titles = spellings(rules.client.titles, TITLES, "/client/titles", problems);
    problems.raise();
  }

  sources(): Source[] {
    return [{ kind: "client", resource: this.#resource, fields: Object.values(this.#fields), lists: [] }];
  }

  map(context: Context, raw: RawRecord, json: unknown, recorder: Recorder): Result {
    if (raw.kind !== "client") {
      recorder.whole("error", "unknown-kind", "The pack maps clients alone.");
      return "rejected";
    }
    const row = record(record(json)["row"]);
    const text = (field: keyof Client, name: string) => {
      const inner = record(row["fields"]);
      const [value, place] = inner[name] === undefined ? [row[name], "/row"] : [inner[name], "/row/fields"];
      const text = clean(value);
      recorder.origin(field, { source: [place, name], sourceValue: text, rule: `/client/fields ${name}` });
      return text;
    };
    const fields = this.#fields;
    const title = recorder.known("title", text("title", fields.title), this.#titles, "/client/titles");
    const firstName = text("firstName", fields.first_name);
    const lastName = text("lastName", fields.last_name);
    if (firstName === null && lastName === null) {
      recorder.whole("info", "no-name", "The record has no name; it was left out.");
      return "skipped";
    }
    const email = text("email", fields.email);
    const mobile = this.#mobile(context, text("mobile", fields.mobile), recorder);
    const client: Client = {
      externalId: raw.id,
      title,
      firstName,
      lastName,
      email,
      emailIsPlaceholder: false,
      mobile,
      isPartner: false,
      status: "client",
      extensions: [],
    };
    return [{ tag: "client", val: client }];
  }

  /** A number that can be sent a message to; none, and a diagnostic, of any other. */
  #mobile(context: Context, text: string | null, recorder: Recorder): string | null {
    if (text === null) return null;
    const number = parsePhone(text, context.region);
    if (number !== null && (number.line === "mobile" || number.line === "fixed-line-or-mobile")) return number.e164;
    const message = `“${text}” is no mobile number that can be dialled; it was left out. Correct it in the CRM, with its country code.`;
    recorder.warn("mobile", "not-a-mobile", message);
    return null;
  }

  renderNote(_context: Context, event: Event): FileNote {
    throw [{ severity: "error", code: "unknown-event", message: `The pack has no note for ${event.eventType}.` }];
  }
}

/** Makes the plugin of its rules, for each batch anew. */
export const configure = (rules: unknown): Plugin => new Mapping(rules as Rules);
