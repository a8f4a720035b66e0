// A certified OpenID provider of somebody else's making, for people who sign in by it. Prints where it is. What it says of
// somebody is set while it runs: POST /set with {"<login>": {claims}}; nothing more is said of them than that.
//
//   REDIRECT=http://127.0.0.1:8080/sign-in/openid/callback node provider.mjs

import { createServer } from "node:http";

import Provider from "oidc-provider";

const said = new Map();
const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
// By another name than the host's: to a browser it is another site, as a provider always is.
const issuer = `http://localhost:${server.address().port}`;

const provider = new Provider(issuer, {
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
  clients: [
    {
      client_id: "tidegate",
      // Letters that a header and a form write in different ways.
      client_secret: "a secret:with+letters/of=all%kinds&more",
      redirect_uris: [process.env.REDIRECT],
      grant_types: ["authorization_code"],
      response_types: ["code"],
      token_endpoint_auth_method: process.env.AUTH ?? "client_secret_basic",
    },
  ],
  clientAuthMethods: [process.env.AUTH ?? "client_secret_basic"],
  // Claims in the ID token, as most providers of companies do it; else in UserInfo, as the standard has it.
  conformIdTokenClaims: process.env.IN_USER_INFO === "1",
  cookies: { keys: ["nothing secret"] },
  findAccount: (_, login) => ({ accountId: login, claims: () => ({ sub: login, ...said.get(login) }) }),
  pkce: { required: () => true },
  scopes: ["openid", "email", "profile", "groups"],
});
const answer = provider.callback();

server.on("request", async (request, response) => {
  if (request.url !== "/set") return answer(request, response);
  let body = "";
  for await (const piece of request) body += piece;
  for (const [login, claims] of Object.entries(JSON.parse(body))) said.set(login, claims);
  response.end();
});
console.log(issuer);
