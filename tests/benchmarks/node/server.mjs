// node oidc-provider with the clients of the benchmark. Environment: PORT, STORE (memory or redis), REDIS_URL,
// KEYS (directory with rsa.pem and ec.pem), CLIENTS (JSON: id, secret, redirect_uri, challenge, jwk).
// `GET /bench/codes/CLIENT/COUNT` mints codes; it exists in this server only and only on loopback.
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import Redis from "ioredis";
import Provider, { errors } from "oidc-provider";

const { PORT, STORE, REDIS_URL, KEYS } = process.env;
const shared = JSON.parse(process.env.CLIENTS);
const scope = "openid offline_access read";
const now = () => Math.floor(Date.now() / 1000);

class Memory {
  static rows = new Map();
  static grants = new Map();
  constructor(name) { this.name = name; }
  key(id) { return `${this.name}:${id}`; }
  async upsert(id, payload) {
    const key = this.key(id);
    Memory.rows.set(key, payload);
    if (payload.grantId) {
      const keys = Memory.grants.get(payload.grantId) ?? new Set();
      Memory.grants.set(payload.grantId, keys.add(key));
    }
  }
  async find(id) { return Memory.rows.get(this.key(id)); }
  async consume(id) { Memory.rows.get(this.key(id)).consumed = now(); }
  async destroy(id) { Memory.rows.delete(this.key(id)); }
  async revokeByGrantId(grantId) {
    for (const key of Memory.grants.get(grantId) ?? []) Memory.rows.delete(key);
    Memory.grants.delete(grantId);
  }
  async findByUid() {}
  async findByUserCode() {}
}

// A hash per record, so that `consumed` is one command, and a list of keys per grant: the layout its documentation
// shows for Redis.
const redis = STORE === "redis" ? new Redis(REDIS_URL) : null;
class InRedis {
  constructor(name) { this.name = name; }
  key(id) { return `oidc:${this.name}:${id}`; }
  async upsert(id, payload, lifetime) {
    const key = this.key(id);
    const batch = redis.multi().hset(key, { payload: JSON.stringify(payload) });
    if (lifetime) batch.expire(key, lifetime);
    if (payload.grantId && this.name !== "Grant") {
      const list = `oidc:of:${payload.grantId}`;
      batch.rpush(list, key).expire(list, 86400);
    }
    await batch.exec();
  }
  async find(id) {
    const { payload, consumed } = await redis.hgetall(this.key(id));
    if (!payload) return undefined;
    return consumed ? { ...JSON.parse(payload), consumed: Number(consumed) } : JSON.parse(payload);
  }
  async consume(id) { await redis.hset(this.key(id), "consumed", now()); }
  async destroy(id) { await redis.del(this.key(id)); }
  async revokeByGrantId(grantId) {
    const list = `oidc:of:${grantId}`;
    const keys = await redis.lrange(list, 0, -1);
    await redis.del(list, ...keys);
  }
  async findByUid() {}
  async findByUserCode() {}
}

const key = (file, rest) => ({
  ...createPrivateKey(readFileSync(`${KEYS}/${file}`)).export({ format: "jwk" }), use: "sig", ...rest,
});
const client = (id, rest) => ({
  client_id: `bench-${id}`, client_secret: shared.secret, redirect_uris: [], response_types: [],
  grant_types: ["client_credentials"], scope: "read", ...rest,
});
const exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
const signsIn = {
  redirect_uris: [shared.redirect_uri], response_types: ["code"], scope,
  grant_types: ["authorization_code", "refresh_token", exchange], id_token_signed_response_alg: "RS256",
};
const device = {
  scope, grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
  id_token_signed_response_alg: "RS256",
};
const keyed = {
  client_secret: undefined, token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [shared.jwk] },
};
const api = { scope: "read", accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } };
const day = 86400;

const provider = new Provider(`http://127.0.0.1:${PORT}`, {
  adapter: redis ? InRedis : Memory,
  clients: [client("machine"), client("jwt"), client("api"), client("web", signsIn), client("kept", signsIn),
    client("device", device), client("key", keyed)],
  jwks: { keys: [key("rsa.pem", { alg: "RS256", kid: "rsa" }), key("ec.pem", { alg: "ES256", kid: "ec" })] },
  scopes: ["openid", "offline_access", "read"],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    deviceFlow: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (_context, caller) => caller.clientId === "bench-api" },
    resourceIndicators: { enabled: true, getResourceServerInfo: (_context, audience) => ({ ...api, audience }) },
  },
  findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  issueRefreshToken: (_context, one) => one.grantTypeAllowed("refresh_token"),
  rotateRefreshToken: (context) => context.oidc.client.clientId === "bench-web",
  pkce: { required: () => true },
  ttl: {
    AccessToken: 3600, AuthorizationCode: 3600, ClientCredentials: 3600, DeviceCode: 3600, IdToken: 3600, Grant: day,
    RefreshToken: day,
  },
});
provider.on("server_error", (_context, error) => console.error(error));

// Token exchange is not built in; its documentation shows how a grant is added. As little as is safe: the client's own
// live token, of a grant that is still there, becomes one with no more scopes that lives no longer.
provider.registerGrantType(exchange, async (context) => {
  const { client: caller, params } = context.oidc;
  const { AccessToken, Grant } = context.oidc.provider;
  const subject = await AccessToken.find(params.subject_token);
  if (!subject || subject.isExpired || subject.clientId !== caller.clientId) throw new errors.InvalidRequest("subject");
  const grant = await Grant.find(subject.grantId);
  if (!grant || grant.isExpired) throw new errors.InvalidRequest("subject");
  const wanted = params.scope?.split(" ") ?? [...subject.scopes];
  if (!wanted.every((one) => subject.scopes.has(one))) throw new errors.InvalidScope("scope", params.scope);
  const token = new AccessToken({
    accountId: subject.accountId, client: caller, grantId: subject.grantId, gty: exchange, scope: wanted.join(" "),
    expiresIn: subject.remainingTTL,
  });
  const type = "urn:ietf:params:oauth:token-type:access_token";
  context.body = {
    access_token: await token.save(), issued_token_type: type, token_type: "Bearer", expires_in: token.expiration,
    scope: token.scope,
  };
}, ["subject_token", "subject_token_type", "scope"]);

async function mint(clientId, count) {
  const owner = await provider.Client.find(clientId);
  const codes = [];
  for (let made = 0; made < count; made += 1) {
    const grant = new provider.Grant({ accountId: "bench", clientId });
    grant.addOIDCScope(scope);
    const known = { accountId: "bench", client: owner, grantId: await grant.save(), scope, authTime: now(), claims: {} };
    const code = clientId === "bench-device"
      ? new provider.DeviceCode({ ...known, gty: "device_code", params: { scope }, userCode: `BENCH${made}` })
      : new provider.AuthorizationCode({
        ...known, gty: "authorization_code", redirectUri: shared.redirect_uri, codeChallenge: shared.challenge,
        codeChallengeMethod: "S256", nonce: "bench",
      });
    codes.push(await code.save());
  }
  return codes.join("\n");
}

const answer = provider.callback();
createServer(async (request, response) => {
  const [, bench, codes, id, count] = request.url.split("/");
  if (bench === "bench" && codes === "codes") response.end(await mint(id, Number(count)));
  else answer(request, response);
}).listen(Number(PORT), "127.0.0.1");
