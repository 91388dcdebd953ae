import { PassThrough, Readable } from 'node:stream'
import {
  type ApiRequest,
  type ApiResponse,
  type KubeClient,
  KubeUnreachableError,
} from '../../../../src/kube/client/index.ts'
import { splitLines } from '../../../../src/kube/watch/lines.ts'
import { type WatchEvent, WatchIdleError, watchOnce } from '../../../../src/kube/watch/watch-once.ts'
import t from '../../../support/tap.ts'

function clientOf(body: Readable, status = 200): Pick<KubeClient, 'send'> & { requests: ApiRequest[] } {
  const requests: ApiRequest[] = []
  return {
    requests,
    async send(request): Promise<ApiResponse> {
      requests.push(request)
      return { status, headers: {}, body }
    },
  }
}

const line = (type: string, name: string, extra = {}) =>
  `${JSON.stringify({ type, object: { metadata: { name, ...extra } } })}\n`

async function collect(client: Pick<KubeClient, 'send'>, options = {}) {
  const events: WatchEvent<object>[] = []
  for await (const event of watchOnce(client, { path: ['api', 'v1', 'pods'], ...options })) events.push(event)
  return events
}

t.test('lines may be cut anywhere, within a character too', async (t) => {
  const text = `${line('ADDED', 'ä')}\n${line('MODIFIED', '漢')}${line('DELETED', 'c')}`
  const bytes = Buffer.from(text)
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const chunks = []
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
    const events = await collect(clientOf(Readable.from(chunks, { objectMode: true })))
    t.match(
      events.map(({ type, object }) => ({ type, object })),
      [
        { type: 'ADDED', object: { metadata: { name: 'ä' } } },
        { type: 'MODIFIED', object: { metadata: { name: '漢' } } },
        { type: 'DELETED', object: { metadata: { name: 'c' } } },
      ],
    )
    t.equal(`${events[0]!.raw}\n`, line('ADDED', 'ä'), 'the raw line is what came')
  }
})

t.test('watch=true is asked for, the query and headers are passed on', async (t) => {
  const client = clientOf(Readable.from([]))
  await collect(client, { query: { resourceVersion: '5' }, headers: { accept: 'x' } })
  t.match(client.requests[0], {
    method: 'GET',
    query: { resourceVersion: '5', watch: 'true' },
    headers: { accept: 'x' },
  })
})

t.test('an ERROR event is thrown as KubeApiError with its code, after the events before it', async (t) => {
  const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' }
  const body = Readable.from([
    Buffer.from(`${line('ADDED', 'a')}{"type":"ERROR","object":${JSON.stringify(status)}}\n`),
  ])
  const seen: string[] = []
  const run = async () => {
    for await (const { type } of watchOnce(clientOf(body), { path: ['x'] })) seen.push(type)
  }
  await t.rejects(run(), { name: 'KubeApiError', code: 410, status: { reason: 'Expired' } })
  t.same(seen, ['ADDED'])
})

t.test('a refused watch is a KubeApiError', async (t) => {
  const body = Readable.from([Buffer.from('{"kind":"Status","reason":"Forbidden","message":"no"}')])
  await t.rejects(collect(clientOf(body, 403)), { name: 'KubeApiError', code: 403 })
})

t.test('half a line, a line that is not JSON or no event is KubeUnreachableError', async (t) => {
  for (const text of [
    line('ADDED', 'a').slice(0, -1),
    '{"type":"ADDED"',
    'hello\n',
    'null\n',
    '5\n',
    '{"type":"ADDED"}\n',
    '{"type":"ADDED","object":[]}\n',
    '{"type":"NEW","object":{}}\n',
    '{"type":"ERROR","object":{"kind":"Pod"}}\n',
  ]) {
    await t.rejects(collect(clientOf(Readable.from([Buffer.from(text)]))), KubeUnreachableError, text)
  }
})

t.test('a reset in the middle is KubeUnreachableError with its cause', async (t) => {
  const body = new PassThrough()
  body.write(line('ADDED', 'a'))
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
  const events = watchOnce(clientOf(body), { path: ['x'] })
  t.match(await events.next(), { value: { type: 'ADDED' } })
  body.destroy(reset)
  await t.rejects(events.next(), { name: 'KubeUnreachableError', cause: reset })
})

t.test('an endless line is refused once it passes the limit', async (t) => {
  let given = 0
  const endless = Readable.from(
    (function* () {
      for (;;) {
        given += 100
        yield Buffer.alloc(100, 'x')
      }
    })(),
  )
  await t.rejects(collect(clientOf(endless), { maxEventBytes: 1000 }), KubeUnreachableError)
  t.ok(given < 5000)
})

t.test('quiet for too long ends with WatchIdleError, a slow reader does not', async (t) => {
  const body = new PassThrough()
  body.write(line('ADDED', 'a'))
  const events = watchOnce(clientOf(body), { path: ['x'], idleTimeoutMs: 40 })
  await events.next()
  await new Promise((resolve) => setTimeout(resolve, 120)) // the time itself is the subject here
  t.notOk(body.destroyed, 'the reader was slow, the server was not')
  await t.rejects(events.next(), WatchIdleError)
  t.ok(body.destroyed)
})

t.test('a reader that stops pulling holds the sender back', async (t) => {
  let given = 0
  const source = (async function* () {
    for (let i = 0; i < 1000; i++) {
      given += 1
      yield Buffer.from(line('ADDED', `p${i}`))
    }
  })()
  const lines = splitLines(source, 1000)
  await lines.next()
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(given, 1)
  await lines.return(undefined)
})

t.test('leaving the loop closes the connection', async (t) => {
  const body = new PassThrough()
  body.write(line('ADDED', 'a') + line('ADDED', 'b'))
  for await (const event of watchOnce(clientOf(body), { path: ['x'] })) {
    t.equal(event.type, 'ADDED')
    break
  }
  t.ok(body.destroyed)
})

t.test("G16: an error of the reader reaches the reader's caller", async (t) => {
  const body = new PassThrough()
  body.write(line('ADDED', 'a'))
  const own = new Error('mine')
  const run = async () => {
    for await (const _ of watchOnce(clientOf(body), { path: ['x'] })) throw own
  }
  await t.rejects(run(), own)
  t.ok(body.destroyed)
})

t.test("the caller's abort ends it with the signal's reason", async (t) => {
  const body = new PassThrough()
  const controller = new AbortController()
  const reason = new Error('enough')
  controller.signal.addEventListener('abort', () => body.destroy(new Error('aborted')))
  const pending = collect(clientOf(body), { signal: controller.signal })
  setImmediate(() => controller.abort(reason))
  await t.rejects(pending, reason)
})
