import { type ClientRequest, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { V1HTTPGetAction } from '@kubernetes/client-node'

/** What a check found; `output` is what an Event says. */
export interface CheckResult {
  ok: boolean
  output: string
}

const BODY_LIMIT = 10 * 1024

/** GET as a kubelet's probe does it: no certificate is checked, any status from 200 to 399 is a success. */
export function httpCheck(
  action: V1HTTPGetAction,
  port: number,
  podIP: string,
  timeoutMs: number,
): Promise<CheckResult> {
  const host = action.host || podIP
  const scheme = (action.scheme ?? 'HTTP').toLowerCase()
  const path = action.path?.startsWith('/') ? action.path : `/${action.path ?? ''}`
  const url = `${scheme}://${host}:${port}${path}`
  const headers: Record<string, string> = {
    'User-Agent': 'kube-probe/1.36',
    Accept: '*/*',
    Connection: 'close',
  }
  for (const { name, value } of action.httpHeaders ?? []) headers[name] = value

  return new Promise((resolve) => {
    const failed = (error: Error) => resolve({ ok: false, output: `Get "${url}": ${error.message}` })
    let request: ClientRequest
    try {
      const send = scheme === 'https' ? requestHttps : requestHttp
      request = send(url, {
        headers,
        agent: false,
        signal: AbortSignal.timeout(timeoutMs),
        ...(scheme === 'https' ? { rejectUnauthorized: false } : {}),
      })
    } catch (error) {
      failed(error as Error)
      return
    }
    request.once('error', failed)
    request.once('response', (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        if (body.length < BODY_LIMIT) body += chunk.toString('utf8')
      })
      response.once('error', failed)
      response.once('end', () => {
        const code = response.statusCode ?? 0
        const ok = code >= 200 && code < 400
        resolve({ ok, output: ok ? body : `HTTP probe failed with statuscode: ${code}` })
      })
    })
    request.end()
  })
}
