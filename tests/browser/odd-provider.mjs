// An OpenID provider that goes wrong on purpose: what no provider that means well does cannot be tried with one. It lets
// everybody in as person 17 without asking. Prints where it is. POST /set says how it goes wrong from then on:
//
//   {"claims": {…}}        more claims of the ID token; null takes one out
//   {"header": {…}}        more of its header
//   {"key": "foreign"}     signed by a key that is not published, under the name of the one that is; "rotated": by a new
//                          one, which is published; "unknown": by one that is not, under its own name; "none": not signed;
//                          "secret": by HMAC with the public key as the secret
//   {"back": {…}}          more parameters of the way back
//   {"userInfo": {…}}      what UserInfo says
//   {"metadata": {…}}      more of what it says of itself
//   {"late": {"/token": 9000}}  milliseconds before a path is answered
//   {"status": {"/jwks": 500}}  the status of a path

import { createHmac, createPublicKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { createServer } from "node:http";

// Longer than a test waits between two questions: a connection that is closed as it is used again fails the test.
const server = createServer({ keepAliveTimeout: 60_000 });
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const pair = (kid) => ({ kid, ...generateKeyPairSync("rsa", { modulusLength: 2048 }) });
let published = [pair("first")];
const foreign = pair("foreign");
let set = {};
const asked = new Map();
const counts = {};

const encoded = (value) => Buffer.from(value).toString("base64url");

function token(nonce) {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, aud: "tidegate", sub: "17", iat: now, exp: now + 300, nonce, ...set.claims };
  for (const name of Object.keys(claims)) if (claims[name] === null) delete claims[name];
  if (set.key === "rotated" && published[0].kid === "first") published = [pair("second")];
  const own = published[0];
  const { key = "own" } = set;
  const kid = key === "unknown" ? foreign.kid : own.kid;
  const alg = { none: "none", secret: "HS256" }[key] ?? "RS256";
  const message = `${encoded(JSON.stringify({ alg, kid, ...set.header }))}.${encoded(JSON.stringify(claims))}`;
  const by = key === "foreign" || key === "unknown" ? foreign : own;
  const pem = createPublicKey(own.privateKey).export({ type: "spki", format: "pem" });
  const signed = {
    none: () => "",
    secret: () => createHmac("sha256", pem).update(message).digest("base64url"),
  }[key] ?? (() => sign("sha256", Buffer.from(message), by.privateKey).toString("base64url"));
  return `${message}.${signed()}`;
}

server.on("request", async (request, response) => {
  const url = new URL(request.url, issuer);
  counts[url.pathname] = (counts[url.pathname] ?? 0) + 1;
  let body = "";
  for await (const piece of request) body += piece;
  const json = (value, status = set.status?.[url.pathname] ?? 200) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  const late = set.late?.[url.pathname];
  if (late) await new Promise((over) => setTimeout(over, late));
  if (url.pathname === "/set") {
    set = JSON.parse(body);
    return json({}, 200);
  }
  if (url.pathname === "/counts") return json(counts, 200);
  if (url.pathname === "/.well-known/openid-configuration") {
    return json({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      userinfo_endpoint: `${issuer}/userinfo`,
      token_endpoint_auth_methods_supported: ["client_secret_post"],
      ...set.metadata,
    });
  }
  if (url.pathname === "/jwks") {
    const key = ({ kid, publicKey }) => ({ ...publicKey.export({ format: "jwk" }), kid, use: "sig" });
    return json({ keys: published.map(key) });
  }
  if (url.pathname === "/authorize") {
    const code = randomUUID();
    asked.set(code, url.searchParams.get("nonce"));
    const back = new URL(url.searchParams.get("redirect_uri"));
    const parameters = { state: url.searchParams.get("state"), code, ...set.back };
    for (const [name, value] of Object.entries(parameters)) if (value !== null) back.searchParams.set(name, value);
    response.writeHead(302, { location: back.href });
    return response.end();
  }
  if (url.pathname === "/token") {
    const nonce = asked.get(new URLSearchParams(body).get("code"));
    if (nonce === undefined) return json({ error: "invalid_grant" }, 400);
    return json({ access_token: "odd", token_type: "Bearer", expires_in: 60, id_token: token(nonce) });
  }
  if (url.pathname === "/userinfo") return json(set.userInfo ?? { sub: "17" });
  json({}, 404);
});
console.log(issuer);
