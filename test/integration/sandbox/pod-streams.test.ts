import { once } from 'node:events'
import { request as requestHttps } from 'node:https'
import type { Duplex, Readable } from 'node:stream'
import { createKubeClient } from '../../../src/kube/index.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import {
  awaitSpdyUpgrade,
  createSpdyConnection,
  exitCodeOf,
  openPortForward,
  PORT_FORWARD_PROTOCOL,
  PORT_FORWARD_TUNNEL_PROTOCOL,
  StreamError,
  spdyUpgradeHeaders,
  webSocketDuplex,
} from '../../../src/protocol/streams/index.ts'
import { createKubeletProxy } from '../../../src/sandbox/kubelet-proxy/index.ts'
import type { PodBackend, PodRequest } from '../../../src/sandbox/ports.ts'
import { createTestCa } from '../../support/certificates.ts'
import { eventually } from '../../support/eventually.ts'
import type { TestServer } from '../../support/https-server.ts'
import { dialCommand, startPodFront, startTestKubelet, type Transport } from '../../support/pod-front.ts'
import { type RuntimeHarness, startRuntimeHarness } from '../../support/sandbox-runtime.ts'
import t, { type Test } from '../../support/tap.ts'

/** To the runtime itself, or through the kubelet proxy to its node's port, which declares WebSocket or not. */
type Way = 'runtime' | 'proxy' | 'proxy, websocket declared'

interface Setup {
  sandbox: RuntimeHarness
  front: TestServer
  ca: string
  backend: PodBackend
  find(pod: string): PodRequest
  seen: string[]
}

async function setUp(t: Test, way: Way): Promise<Setup> {
  const sandbox = await startRuntimeHarness(t)
  const ca = await createTestCa()
  const kubelet = await startTestKubelet(ca, sandbox.runtime.backend, (name) => sandbox.getPod(name) as never)
  t.teardown(() => kubelet.close())
  const trust = await ca.issue({ commonName: 'kube-apiserver-kubelet-client' })
  const proxy = createKubeletProxy({ trust: { ...trust, ca: ca.ca }, logger: silentLogger })
  t.teardown(() => proxy.close())
  const node = {
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: Number(new URL(kubelet.url).port) } },
      declaredFeatures: way === 'proxy' ? [] : ['ExtendWebSocketsToKubelet'],
    },
  }
  const find = (pod: string) => ({ pod: sandbox.getPod(pod) as never, node: node as never })
  const backend = way === 'runtime' ? sandbox.runtime.backend : proxy
  const front = await startPodFront(await ca.issue(), backend, find)
  t.teardown(() => front.close())
  return { sandbox, front, ca: ca.ca, backend, find, seen: kubelet.seen }
}

async function runPod(
  sandbox: RuntimeHarness,
  script: string,
  rest: Record<string, unknown> = {},
): Promise<void> {
  const main = { name: 'main', image: 'busybox', command: ['/bin/sh', '-c', script], ...rest }
  sandbox.createPod('web', { containers: [main] })
  await sandbox.status('web', 'runs', ({ phase }) => phase === 'Running')
}

const text = async (stream: Readable | null) => (stream ? (await stream.toArray()).map(String).join('') : '')
const all = { stdin: true, stdout: true, stderr: true, tty: false }
const transports: Transport[] = ['spdy', 'v5.channel.k8s.io', 'v4.channel.k8s.io']

for (const way of ['runtime', 'proxy', 'proxy, websocket declared'] as const) {
  t.test(`${way}: exec gives output, error, stdin to its end and the exit code`, async (t) => {
    const { sandbox, front, ca, seen } = await setUp(t, way)
    await runPod(sandbox, 'sleep 1000', { env: [{ name: 'WHO', value: 'pod' }] })
    for (const transport of transports) {
      const stdin = transport !== 'v4.channel.k8s.io'
      const script = stdin ? 'cat; echo $WHO >&2; exit 7' : 'echo out; echo $WHO >&2; exit 7'
      const command = ['/bin/sh', '-c', script]
      const leg = await dialCommand(front, ca, transport, '/exec/web/main', command, { ...all, stdin })
      const big = 'x'.repeat(1_000_000)
      leg.stdin?.end(big)
      const [out, err, status] = await Promise.all([text(leg.stdout), text(leg.stderr), leg.status])
      t.equal(out.length, stdin ? big.length : 4, `${transport} stdout`)
      t.equal(err, 'pod\n', `${transport} stderr`)
      t.equal(exitCodeOf(status), 7, `${transport} exit code`)
    }
    const kinds = seen.map((line) => line.split(' ').slice(0, 3).join(' '))
    const user = 'kube-apiserver-kubelet-client'
    const spdy = `${user} POST SPDY/3.1`
    const websocket = `${user} GET websocket`
    const expected = {
      runtime: [],
      proxy: [spdy, spdy, websocket],
      'proxy, websocket declared': [spdy, websocket, websocket],
    }
    t.same(kinds, expected[way], 'what reaches the kubelet')
  })

  t.test(`${way}: a terminal has its size and follows it`, async (t) => {
    const { sandbox, front, ca } = await setUp(t, way)
    await runPod(sandbox, 'sleep 1000')
    for (const transport of transports.slice(0, 2)) {
      const script =
        'while [ "$(stty size)" != "33 77" ]; do sleep 0.02; done; test -t 0 && echo sized; read line; echo "got $line"'
      const streams = { stdin: true, stdout: true, stderr: false, tty: true }
      const leg = await dialCommand(
        front,
        ca,
        transport,
        '/exec/web/main',
        ['/bin/sh', '-c', script],
        streams,
      )
      leg.resize({ width: 77, height: 33 })
      let seen = ''
      leg.stdout?.on('data', (chunk) => {
        seen += chunk
      })
      await eventually('the size', () => seen.includes('sized'))
      leg.stdin?.write('hello\n')
      t.equal(exitCodeOf(await leg.status), 0, transport)
      t.match(seen, /got hello/)
    }
  })

  t.test(`${way}: a command that can not be started says so`, async (t) => {
    const { sandbox, front, ca } = await setUp(t, way)
    await runPod(sandbox, 'sleep 1000')
    for (const transport of transports) {
      const leg = await dialCommand(front, ca, transport, '/exec/web/main', ['no-such'], {
        ...all,
        stdin: false,
      })
      await Promise.all([text(leg.stdout), text(leg.stderr)])
      const message = /exec: "no-such": executable file not found in \$PATH/
      t.match(await leg.status, { status: 'Failure', message }, transport)
    }
  })

  t.test(`${way}: a client that leaves takes its command with it`, async (t) => {
    const { sandbox, front, ca } = await setUp(t, way)
    await runPod(sandbox, 'sleep 1000')
    for (const transport of transports) {
      const command = ['/bin/sh', '-c', 'echo $$; sleep 1000']
      const leg = await dialCommand(front, ca, transport, '/exec/web/main', command, { ...all, stdin: false })
      const [line] = await once(leg.stdout!, 'data')
      leg.stdout!.on('error', () => {})
      leg.stderr!.on('error', () => {})
      leg.abort(new StreamError('aborted', 'the user has pressed Ctrl-C'))
      await eventually('the process is gone', () => !isAlive(Number(line)))
      t.pass(transport)
    }
  })

  t.test(`${way}: attach joins the container's own streams`, async (t) => {
    const { sandbox, front, ca } = await setUp(t, way)
    await runPod(sandbox, 'while read line; do echo "got $line"; done; echo over', {
      stdin: true,
      stdinOnce: true,
    })
    const leg = await dialCommand(front, ca, 'v5.channel.k8s.io', '/attach/web/main', [], all)
    let seen = ''
    leg.stdout?.on('data', (chunk) => {
      seen += chunk
    })
    leg.stderr?.resume()
    leg.stdin?.write('one\n')
    await eventually('the answer', () => seen.includes('got one\n'))
    leg.stdin?.end('two\n')
    t.equal((await leg.status).status, 'Success')
    await eventually('the rest', () => seen === 'got one\ngot two\nover\n')
    t.match(await sandbox.log('web'), /got one/, 'the log has it too')
  })

  t.test(`${way}: port-forward reaches the pod's process by SPDY and by the tunnel`, async (t) => {
    const { sandbox, front, ca } = await setUp(t, way)
    sandbox.createPod('web', { containers: [{ name: 'main', image: 'isthmus.dev/sandbox/http-echo' }] })
    const port = await eventually('its port', async () => {
      return Number(
        /listening on (\d+)/.exec(
          sandbox.getPod('web')?.status?.phase === 'Running' ? await sandbox.log('web') : '',
        )?.[1],
      )
    })
    const ways: [string, () => Promise<Duplex>][] = [
      [
        'SPDY',
        async () => {
          const headers = spdyUpgradeHeaders([PORT_FORWARD_PROTOCOL])
          const sent = requestHttps(`${front.url}/portforward/web`, { method: 'POST', headers, ca })
          return (await awaitSpdyUpgrade(sent)).socket
        },
      ],
      ['tunnel', () => dialTunnel(front.url, ca)],
    ]
    for (const [name, dial] of ways) {
      const connection = createSpdyConnection({ stream: await dial(), role: 'client' })
      const answers = await Promise.all(
        Array.from({ length: 5 }, async () => {
          const stream = await openPortForward(connection, port)
          stream.end('GET /hello HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n')
          return text(stream)
        }),
      )
      for (const answer of answers) t.match(answer, /GET \/hello at web/, name)
      const refused = await openPortForward(connection, 1)
      await t.rejects(text(refused), { message: /error forwarding port 1: failed to connect/ })
      await connection.close()
    }
  })
}

/** By the project's own client: ws neither offers nor accepts the tunnel's protocol, which is no token. */
async function dialTunnel(server: string, ca: string): Promise<Duplex> {
  const client = createKubeClient({ server, ca })
  const path = ['portforward', 'web']
  const ws = await client.upgrade({ path, protocols: [PORT_FORWARD_TUNNEL_PROTOCOL] })
  return webSocketDuplex(ws)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

t.test('proxy: logs come from the kubelet, its refusals with its words', async (t) => {
  const { sandbox, backend, find, seen } = await setUp(t, 'proxy')
  await runPod(sandbox, 'echo one; echo two; sleep 1000')
  await eventually('its log', async () => (await sandbox.log('web')) === 'one\ntwo\n')
  const request = {
    ...find('web'),
    container: 'main',
    follow: false,
    previous: false,
    timestamps: false,
    insecureSkipTLSVerifyBackend: false,
    signal: new AbortController().signal,
  }
  t.equal(await text(await backend.logs({ ...request, tailLines: 1 })), 'two\n')
  t.equal(await text(await backend.logs({ ...request, tailLines: 0 })), '')
  t.match(seen[0], /GET HTTP \/containerLogs\/default\/web\/main\?tailLines=1$/)
  await t.rejects(backend.logs({ ...request, previous: true }), {
    code: 'bad_request',
    message: 'previous terminated container "main" in pod "web" not found',
  })
  const gone = new AbortController()
  const followed = await backend.logs({ ...request, follow: true, signal: gone.signal })
  await once(followed, 'data')
  gone.abort()
  await eventually('it ends', () => followed.destroyed)
})

t.test(
  "proxy: a kubelet that can not be reached, and a node that is gone, are told in an API server's words",
  async (t) => {
    const { sandbox, front, ca, backend, find } = await setUp(t, 'proxy')
    await runPod(sandbox, 'sleep 1000')
    const request = {
      container: 'main',
      follow: false,
      previous: false,
      timestamps: false,
      insecureSkipTLSVerifyBackend: false,
      signal: new AbortController().signal,
    }
    const { pod } = find('web')
    await t.rejects(backend.logs({ ...request, pod }), { code: 'not_found' })
    const dead = {
      status: {
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port: 1 } },
      },
    }
    await t.rejects(backend.logs({ ...request, pod, node: dead as never }), {
      code: 'internal',
      message: /^error dialing backend: connect ECONNREFUSED/,
    })
    const leg = await dialCommand(front, ca, 'v5.channel.k8s.io', '/exec/nobody/main', ['true'], {
      ...all,
      stdin: false,
    }).catch((error: Error) => error)
    t.ok(leg instanceof Error || (await leg.status).status === 'Failure')
  },
)
