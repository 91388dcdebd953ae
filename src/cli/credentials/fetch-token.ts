import { Agent, request } from 'undici'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { StoredCredential } from './credential-file.ts'

export interface FetchedToken {
  token: string
  expiresAtMs: number
}

/** Gets a token by RFC 6749 client credentials. @throws IsthmusError unauthenticated, unavailable, bad_gateway */
export async function fetchToken(credential: StoredCredential, now: () => number): Promise<FetchedToken> {
  const dispatcher = new Agent({ connect: { ca: credential.ca } })
  const basic = [credential.clientId, credential.clientSecret].map(encodeURIComponent).join(':')
  try {
    const reply = await request(new URL('/oauth/token', credential.gateway), {
      method: 'POST',
      dispatcher,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${Buffer.from(basic).toString('base64')}`,
      },
      body: 'grant_type=client_credentials',
    })
    const body = (await reply.body.json()) as {
      access_token?: string
      expires_in?: number
      error?: string
      error_description?: string
    }
    if (reply.statusCode === 200 && typeof body.access_token === 'string') {
      return { token: body.access_token, expiresAtMs: now() + (body.expires_in ?? 0) * 1000 }
    }
    throw refusal(reply.statusCode, body.error_description ?? body.error)
  } catch (cause) {
    if (cause instanceof IsthmusError) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new IsthmusError('unavailable', `${credential.gateway} gives no token: ${why}`, { cause })
  } finally {
    await dispatcher.close()
  }
}

function refusal(status: number, description: string | undefined): IsthmusError {
  const text = `The gateway gives no token: ${description ?? `HTTP ${status}`}`
  if (status === 503 || status === 429) return new IsthmusError('unavailable', text)
  return new IsthmusError(status === 400 || status === 401 ? 'unauthenticated' : 'bad_gateway', text)
}
