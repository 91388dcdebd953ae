import type { Readable } from 'node:stream'
import { NAMESPACE } from '../manifests.ts'
import type { Step } from '../step.ts'
import { expect } from '../wait.ts'

const LINES = 3

/** `kubectl logs -f`: lines arrive while they are written. */
export const logs: Step = {
  title: 'Its log is followed live',
  async run({ user }) {
    const reply = await user.send({
      method: 'GET',
      path: ['api', 'v1', 'namespaces', NAMESPACE, 'pods', 'web', 'log'],
      query: { follow: true, tailLines: 0 },
    })
    expect(reply.status === 200, `the log answers 200, not ${reply.status}`)
    const delays: number[] = []
    for await (const line of linesOf(reply.body)) {
      const written = Date.parse(line.split(' ')[2] ?? '')
      expect(
        line.startsWith('tick') && !Number.isNaN(written),
        `a line of the pod, not ${JSON.stringify(line)}`,
      )
      delays.push(Date.now() - written)
      if (delays.length === LINES) break
    }
    expect(delays.length === LINES, `${LINES} lines, not ${delays.length}`)
    return { shown: `${LINES} lines arrived ${delays.join(', ')} ms after they were written` }
  },
}

/** The lines of a stream; leaving the loop destroys it. */
async function* linesOf(stream: Readable): AsyncIterable<string> {
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
