import { setTimeout as delay } from 'node:timers/promises'
import { watchOnce } from '../../src/kube/watch/index.ts'
import { RUNNING } from './operations.ts'
import { type Arm, clientOf, podsOf } from './target.ts'

const ANNOTATION = 'agent.isthmus.dev/bench'

/**
 * How much later each event arrives by the gateway than directly, in milliseconds: both watches are open at once
 * and see the same changes, made directly at `rate` per second.
 */
export async function watchDelays(
  direct: Arm,
  gateway: Arm,
  rate: number,
  seconds: number,
): Promise<{ direct: number[]; added: number[] }> {
  const stop = new AbortController()
  const written = new Map<string, number>()
  const seen = { direct: new Map<string, number>(), gateway: new Map<string, number>() }
  const clients = [direct, gateway].map(clientOf)
  const watching = [direct, gateway].map(async (arm, index) => {
    const client = clients[index]
    if (client === undefined) return
    try {
      const query = { fieldSelector: `metadata.name=${RUNNING}` }
      for await (const { object } of watchOnce(client, { path: podsOf(arm), query, signal: stop.signal })) {
        const metadata = (object as { metadata?: { annotations?: Record<string, string> } }).metadata
        const mark = metadata?.annotations?.[ANNOTATION]
        if (mark !== undefined && !seen[arm.name].has(mark)) seen[arm.name].set(mark, performance.now())
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error
    }
  })
  const writer = clientOf(direct)
  await delay(1000) // both watches are open
  for (let index = 0; index < rate * seconds; index++) {
    const mark = `${process.pid}-${index}`
    written.set(mark, performance.now())
    await writer.json({
      method: 'PATCH',
      path: [...podsOf(direct), RUNNING],
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { metadata: { annotations: { [ANNOTATION]: mark } } },
    })
    await delay(1000 / rate)
  }
  await delay(500)
  stop.abort()
  await Promise.all(watching)
  await Promise.all([...clients, writer].map((client) => client.close()))
  const marks = [...written.keys()].filter((mark) => seen.direct.has(mark) && seen.gateway.has(mark))
  return {
    direct: marks.map((mark) => (seen.direct.get(mark) ?? 0) - (written.get(mark) ?? 0)),
    added: marks.map((mark) => (seen.gateway.get(mark) ?? 0) - (seen.direct.get(mark) ?? 0)),
  }
}
