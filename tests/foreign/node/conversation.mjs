// What the test asks for, where a browser should go, where it ended, and what came of it: one JSON text a line.
import { createInterface } from 'node:readline/promises'

export const asked = JSON.parse(process.env.ASKED)

/** Send somebody to an address of the provider; answers the address they came back to. */
export async function browse(address) {
  console.log(JSON.stringify(address.href))
  const lines = createInterface({ input: process.stdin })
  for await (const line of lines) {
    lines.close()
    return new URL(line)
  }
}

/** Let somebody see what a device shows, and go on. */
export function show(text) {
  console.log(JSON.stringify(text))
}

export function tell(found) {
  console.log(JSON.stringify(found))
}

/** The error a refused request ends in; a request that succeeds is the mistake. */
export async function refusal(request) {
  try {
    await request
  } catch (error) {
    const [challenge] = Array.isArray(error.cause) ? error.cause : []
    const { code, status } = error
    return { code, status, error: error.error ?? challenge?.parameters.error, scheme: challenge?.scheme }
  }
  throw new Error('This should have been refused.')
}

/** A private JWK, ready to sign. */
export async function privateKey({ kid, alg, ...jwk }) {
  const algorithm = {
    ES256: { name: 'ECDSA', namedCurve: 'P-256' },
    PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
    RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  }[alg]
  return crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign'])
}
