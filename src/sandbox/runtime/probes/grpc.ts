import { connect } from 'node:http2'
import type { CheckResult } from './http.ts'

/** grpc.health.v1.HealthCheckResponse.ServingStatus */
const SERVING = 1

/** A gRPC message of one string field (number 1), length-prefixed. */
function healthRequest(service: string): Buffer {
  const name = Buffer.from(service)
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name])
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** grpc.health.v1.Health/Check over cleartext HTTP/2. `service` is at most 127 bytes. */
export function grpcCheck(
  host: string,
  port: number,
  service: string,
  timeoutMs: number,
): Promise<CheckResult> {
  return new Promise((resolve) => {
    const session = connect(`http://${host}:${port}`)
    const answer = (ok: boolean, output: string) => {
      session.destroy()
      resolve({ ok, output })
    }
    session.once('error', (error) => answer(false, `failed to connect to service: ${error.message}`))
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    const chunks: Buffer[] = []
    let status = ''
    stream.setTimeout(timeoutMs, () =>
      answer(false, `timeout: service health check not completed within ${timeoutMs} ms`),
    )
    stream.once('response', (headers) => {
      status = String(headers['grpc-status'] ?? '')
    })
    stream.once('trailers', (headers) => {
      status = String(headers['grpc-status'] ?? '')
    })
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.once('error', (error) => answer(false, `service health check failed: ${error.message}`))
    stream.once('end', () => {
      const body = Buffer.concat(chunks)
      const serving = body.length === 7 && body[5] === 0x08 && body[6] === SERVING
      if (status === '0' && serving) answer(true, 'service healthy')
      else answer(false, `service unhealthy (grpc status ${status || 'missing'})`)
    })
    stream.end(healthRequest(service))
  })
}
