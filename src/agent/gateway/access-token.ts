import { readBody } from '../../kube/client/answer.ts'
import type { KubeClient } from '../../kube/index.ts'
import type { Clock } from '../../lib/clock.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'

export interface AccessTokenOptions {
  /** A client of the gateway without identity. */
  client: Pick<KubeClient, 'send'>
  clientId: string
  /** Asked at each renewal, so that the credential's file may be changed under the agent. */
  clientSecret(): Promise<string>
  clock: Clock
}

/** A token is renewed when this part of its life is left, or a minute, whichever is less. */
const LEFT_PART = 0.3
const LEFT_MS = 60_000

/**
 * The agent's access token: asked for by client credentials (RFC 6749 §4.4), kept until shortly before its
 * end, asked for once however many want it. `refresh` forgets a token that was refused.
 * @throws IsthmusError unauthenticated when the credential is not (or no longer) good; KubeUnreachableError
 */
export function createAccessToken(options: AccessTokenOptions): { get(): Promise<string>; refresh(): void } {
  const { client, clock } = options
  let token: { value: string; renewAt: number } | undefined
  let pending: Promise<string> | undefined

  async function request(): Promise<string> {
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: options.clientId,
      client_secret: await options.clientSecret(),
    })
    const asked = clock.elapsed()
    const answer = await client.send({
      method: 'POST',
      path: ['oauth', 'token'],
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
      timeoutMs: 10_000,
    })
    const text = (await readBody(answer.body, { maxBytes: 65_536, idleMs: 10_000 })).toString('utf8')
    if (answer.status === 400 || answer.status === 401 || answer.status === 403) {
      throw new IsthmusError(
        'unauthenticated',
        `the gateway refused the agent's credential: ${text.slice(0, 300)}`,
      )
    }
    if (answer.status !== 200) {
      throw new IsthmusError('unavailable', `the gateway answered ${answer.status} to the token request`)
    }
    const { access_token: value, expires_in: seconds } = JSON.parse(text) as {
      access_token?: string
      expires_in?: number
    }
    if (!value || !seconds) throw new IsthmusError('bad_gateway', 'the token answer lacks its fields')
    const lifeMs = seconds * 1000
    token = { value, renewAt: asked + lifeMs - Math.min(LEFT_MS, lifeMs * LEFT_PART) }
    return value
  }

  return {
    get() {
      if (token && clock.elapsed() < token.renewAt) return Promise.resolve(token.value)
      pending ??= request().finally(() => {
        pending = undefined
      })
      return pending
    },
    refresh() {
      token = undefined
    },
  }
}
