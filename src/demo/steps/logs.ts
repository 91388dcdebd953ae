import { createInterface } from 'node:readline'
import { NAMESPACE } from '../manifests.ts'
import type { Step } from '../step.ts'
import { expect } from '../wait.ts'

const LINES = 3

/** `kubectl logs -f`: lines arrive while they are written. */
export const logs: Step = {
  title: 'Its log is followed live',
  async run({ user }) {
    const abort = new AbortController()
    const reply = await user.send({
      method: 'GET',
      path: ['api', 'v1', 'namespaces', NAMESPACE, 'pods', 'web', 'log'],
      query: { follow: true, tailLines: 0 },
      signal: abort.signal,
    })
    expect(reply.status === 200, `the log answers 200, not ${reply.status}`)
    const delays: number[] = []
    for await (const line of createInterface({ input: reply.body })) {
      const written = Date.parse(line.split(' ')[2] ?? '')
      expect(
        line.startsWith('tick') && !Number.isNaN(written),
        `a line of the pod, not ${JSON.stringify(line)}`,
      )
      delays.push(Date.now() - written)
      if (delays.length === LINES) break
    }
    expect(delays.length === LINES, `${LINES} lines, not ${delays.length}`)
    abort.abort()
    reply.body.destroy()
    return { shown: `${LINES} lines arrived ${delays.join(', ')} ms after they were written` }
  },
}
