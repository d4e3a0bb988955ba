// An MCP client made with the official SDK. Who drives it speaks JSON lines: what to do, and where the person ended.
import { createInterface } from 'node:readline'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'

const asked = JSON.parse(process.env.ASKED)
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const hears = async () => JSON.parse((await lines.next()).value)
const says = (told) => process.stdout.write(`${JSON.stringify(told)}\n`)

const kept = { client: asked.client_id ? { client_id: asked.client_id } : undefined }
const provider = {
  redirectUrl: asked.redirect_uri,
  clientMetadataUrl: asked.client_metadata_url,
  clientMetadata: {
    client_name: 'Assistant',
    redirect_uris: [asked.redirect_uri],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  },
  clientInformation: () => kept.client,
  saveClientInformation: (client) => (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => (kept.tokens = tokens),
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: (verifier) => (kept.verifier = verifier),
  redirectToAuthorization: (url) => says({ visit: url.href }),
  invalidateCredentials: (what) => {
    if (what === 'all' || what === 'client') kept.client = undefined
    if (what === 'all' || what === 'tokens') kept.tokens = undefined
  },
}

// The SDK sends the person away and gives up; what called it comes back with the code, and tries once more.
async function attempt(work) {
  for (let left = 2; ; left--) {
    const transport = new StreamableHTTPClientTransport(new URL(asked.server), { authProvider: provider })
    const client = new Client({ name: 'assistant', version: '1' })
    try {
      await client.connect(transport)
      return await work(client)
    } catch (error) {
      if (!(error instanceof UnauthorizedError) || !left) throw error
      const ended = new URL((await hears()).ended)
      await transport.finishAuth(ended.searchParams.get('code'))
    } finally {
      await client.close()
    }
  }
}

for (let order = await hears(); Object.keys(order).length; order = await hears()) {
  if (order.call) {
    try {
      const result = await attempt((client) => client.callTool({ name: order.call, arguments: order.with }))
      says({ said: result.content.map((part) => part.text), failed: result.isError ?? false })
    } catch (error) {
      says({ error: `${error.constructor.name}: ${error.message}` })
    }
  } else if (order.expire) {
    kept.tokens = { ...kept.tokens, access_token: 'expired' }
    says({})
  } else if (order.forget) {
    kept.tokens = { ...kept.tokens, refresh_token: undefined } // so that it asks the person, and not for the same again
    says({})
  } else {
    says({ tokens: kept.tokens, client: kept.client })
  }
}
process.exit()
