import { connect } from 'node:net'
import type { CheckResult } from './http.ts'

/** Whether somebody accepts connections there. */
export function tcpCheck(host: string, port: number, timeoutMs: number): Promise<CheckResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const answer = (ok: boolean, output: string) => {
      socket.destroy()
      resolve({ ok, output })
    }
    socket.setTimeout(timeoutMs, () => answer(false, `dial tcp ${host}:${port}: i/o timeout`))
    socket.once('connect', () => answer(true, ''))
    socket.once('error', (error) => answer(false, `dial tcp ${host}:${port}: ${error.message}`))
  })
}
