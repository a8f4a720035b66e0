// A certified OAuth server of somebody else's making at the addresses where an Xplan site has its own, with the one
// resource that tells as whom a token was given. Prints where it is.
//
//   REDIRECT=http://127.0.0.1:8080/oauth/callback node oidc.mjs

import { createServer } from "node:http";

import Provider from "oidc-provider";

const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const host = `127.0.0.1:${server.address().port}`;

const provider = new Provider(`http://${host}`, {
  clients: [
    {
      client_id: "tidegate",
      client_secret: "a-secret-of-the-server",
      redirect_uris: [process.env.REDIRECT],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "client_secret_post",
    },
  ],
  cookies: { keys: ["nothing secret"] },
  issueRefreshToken: async () => true,
  pkce: { required: () => true },
  rotateRefreshToken: true,
  routes: { authorization: "/oauth2/auth", token: "/oauth2/token" },
  ttl: { AccessToken: 2 },
});
const authorise = provider.callback();

server.on("request", async (request, response) => {
  if (request.url !== "/resourceful/session/user") {
    // A site has one scope and is not asked for it; this server gives nothing that it was not asked for.
    if (request.url.startsWith("/oauth2/auth?") && !request.url.includes("scope=")) request.url += "&scope=openid";
    return authorise(request, response);
  }
  const [, value] = (request.headers.authorization ?? "").split(" ");
  const token = value && (await provider.AccessToken.find(value));
  const body = token ? { entity_id: 1, user_name: token.accountId } : { api_message: "unknown token" };
  response.writeHead(token ? 200 : 401, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
});
console.log(host);
