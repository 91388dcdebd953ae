import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { eventually } from '../../test/support/eventually.ts'

/** CPU profiles of another Node process, by its inspector; Chrome's and VS Code's viewers open the files. */
export interface Profiler {
  /** Profiles until the returned function is called, which writes `<name>.cpuprofile`. */
  start(name: string): Promise<() => Promise<void>>
  close(): void
}

const nothing: Profiler = { start: async () => async () => {}, close: () => {} }

/**
 * The profiler of a process that was started with `--inspect`, whose address its log tells. Without a folder
 * nothing is profiled.
 */
export async function openProfiler(dir: string | undefined, log: () => string): Promise<Profiler> {
  if (dir === undefined) return nothing
  mkdirSync(dir, { recursive: true })
  const url = await eventually('the inspector listens', () => /ws:\/\/\S+/.exec(log())?.[0] ?? false)
  const ws = new WebSocket(url, { perMessageDeflate: false, maxPayload: 2 ** 30 })
  await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject))
  const waiting = new Map<number, (result: unknown) => void>()
  let last = 0
  ws.on('message', (data: Buffer) => {
    const { id, result } = JSON.parse(data.toString('utf8')) as { id?: number; result?: unknown }
    if (id !== undefined) waiting.get(id)?.(result)
  })
  const ask = (method: string): Promise<unknown> =>
    new Promise((resolve) => {
      waiting.set(++last, resolve)
      ws.send(JSON.stringify({ id: last, method }))
    })
  await ask('Profiler.enable')
  return {
    async start(name) {
      await ask('Profiler.start')
      return async () => {
        const { profile } = (await ask('Profiler.stop')) as { profile: unknown }
        writeFileSync(join(dir, `${name.replace(/[^A-Za-z0-9]+/g, '-')}.cpuprofile`), JSON.stringify(profile))
      }
    },
    close: () => ws.terminate(),
  }
}
