// The harness itself: what the other suites take for granted.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { connect, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { eventually } from '../../support/eventually.ts'
import t from '../../support/tap.ts'
import { startBalancer } from '../harness/balancer.ts'
import { listBridges, sweepBridges } from '../harness/network.ts'
import { openKubernetesWorld } from '../harness/world.ts'

const { dataPlane, users, dir } = openKubernetesWorld()
const [first] = users

t.test('a pod on the real node runs, with logs, exec, port-forward and metrics', async (t) => {
  const name = 'harness'
  t.teardown(() => dataPlane.kubectl(['delete', 'pod', name, '--wait=false']))
  await dataPlane.apply([
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default' },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          { name: 'shell', image: 'busybox:1', command: ['sh', '-c', 'echo hello; exec sleep 3600'] },
          { name: 'web', image: 'isthmus.dev/test/web:1', imagePullPolicy: 'Never' },
        ],
      },
    },
  ])
  await dataPlane.kubectl(['wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s'])
  t.equal((await dataPlane.kubectl(['logs', name, '-c', 'shell'])).stdout, 'hello\n')
  const args = ['exec', '-i', name, '-c', 'shell', '--', 'sh', '-c', 'cat; exit 7']
  const exec = await dataPlane.kubectl(args, { input: 'in and out', allowFailure: true })
  t.same([exec.code, exec.stdout], [7, 'in and out'])
  const web = await dataPlane.request({ path: `/api/v1/namespaces/default/pods/${name}:8080/proxy/hostname` })
  t.equal(web.text, 'harness\n', 'the pod network reaches the API server')
  const summary = await eventually('the kubelet has statistics', async () => {
    const reply = await dataPlane.request({ path: `/api/v1/nodes/${dataPlane.node}/proxy/stats/summary` })
    const pods = (reply.json?.['pods'] ?? []) as { podRef: { name: string }; memory?: object }[]
    return pods.find(({ podRef, memory }) => podRef.name === name && memory)
  })
  t.ok(summary.memory)
})

t.test(
  "a user's API server dials a kubelet port on nodeAddress, and asks with its own certificate",
  async (t) => {
    const serving = await first.issueServingCertificate({
      commonName: 'system:node:dialled',
      addresses: [first.nodeAddress],
    })
    const paths: string[] = []
    const server = createServer({ ...serving, ca: first.ca, requestCert: true }, (request, response) => {
      paths.push(request.url ?? '')
      response.end('a line\n')
    })
    await new Promise<void>((resolve) => server.listen(0, first.nodeAddress, resolve))
    t.teardown(() => server.close())
    const { port } = server.address() as { port: number }
    const node = await first.issueClientCertificate({
      commonName: 'system:node:dialled',
      organizations: ['system:nodes'],
    })
    t.teardown(async () => {
      await first.kubectl(['delete', 'pod', 'dialled', '--force', '--grace-period=0'], { allowFailure: true })
      await first.kubectl(['delete', 'node', 'dialled'], { allowFailure: true })
    })
    const made = await first.request(
      { method: 'POST', path: '/api/v1/nodes', body: { metadata: { name: 'dialled' } } },
      node,
    )
    t.equal(made.status, 201, 'a node makes its own Node')
    const status = {
      addresses: [{ type: 'InternalIP', address: first.nodeAddress }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    }
    const path = '/api/v1/nodes/dialled/status'
    const contentType = 'application/strategic-merge-patch+json'
    t.equal((await first.request({ method: 'PATCH', path, contentType, body: { status } }, node)).status, 200)
    const pod = {
      metadata: { name: 'dialled' },
      spec: { nodeName: 'dialled', containers: [{ name: 'main', image: 'busybox:1' }] },
    }
    t.equal(
      (await first.request({ method: 'POST', path: '/api/v1/namespaces/default/pods', body: pod })).status,
      201,
    )
    t.equal((await first.kubectl(['logs', 'dialled'])).stdout, 'a line\n')
    t.match(paths, [/^\/containerLogs\/default\/dialled\/main/])
  },
)

t.test('NodeRestriction and the Node authorizer are on: a node sees nothing but its own', async (t) => {
  const node = await first.issueClientCertificate({
    commonName: 'system:node:one',
    organizations: ['system:nodes'],
  })
  const other = { method: 'POST', path: '/api/v1/nodes', body: { metadata: { name: 'another' } } }
  t.equal((await first.request(other, node)).status, 403, 'a Node of another name')
  t.equal((await first.request({ path: '/api/v1/secrets' }, node)).status, 403, 'all Secrets')
  // Before 1.32 the Node authorizer did not look at selectors.
  const { minor } = (await first.request({ path: '/version' })).json as { minor: string }
  const all = await first.request({ path: '/api/v1/pods' }, node)
  t.equal(all.status, Number(minor) >= 32 ? 403 : 200, 'all pods')
  const own = '/api/v1/pods?fieldSelector=spec.nodeName%3Done'
  t.equal((await first.request({ path: own }, node)).status, 200, 'its own pods')
  const lines = readFileSync(first.auditLog, 'utf8').trim().split('\n')
  const asked = lines
    .map((line) => JSON.parse(line) as { user: { username: string }; requestURI: string })
    .filter(({ user }) => user.username === 'system:node:one')
  t.ok(
    asked.some(({ requestURI }) => requestURI === '/api/v1/secrets'),
    'the audit log tells who asked for what',
  )
})

t.test('the balancer takes turns, and leaves out a replica that has gone', async (t) => {
  const start = async (name: string) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {}) // a health check resets its connection once it has been accepted
      socket.end(name)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.teardown(() => server.close())
    return { server, authority: `127.0.0.1:${(server.address() as { port: number }).port}` }
  }
  const [one, two] = [await start('one'), await start('two')]
  const backends = [one.authority, two.authority]
  const balancer = await startBalancer({ dir: join(dir, 'balancer'), backends })
  t.teardown(() => balancer.stop())
  const [host, port] = balancer.authority.split(':')
  const ask = () => text(connect({ host, port: Number(port) }))
  // Each thread of HAProxy takes turns for itself, and a replica joins when its first check has passed.
  const seen = new Set<string>()
  await eventually('both have answered', async () => seen.add(await ask()).size === 2)
  one.server.close()
  await eventually(
    'the one that is left answers',
    async () => (await ask()) === 'two' && (await ask()) === 'two',
  )
  t.same([await ask(), await ask()], ['two', 'two'])
})

t.test('a killed runner leaves no process, and the next run removes its bridge and cgroup', async (t) => {
  const script = join(import.meta.dirname, '../harness/one-cluster.ts')
  const child = spawn(process.execPath, [script, join(dir, 'killed')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const { pids, bridge } = JSON.parse(await firstLine(child)) as { pids: number[]; bridge: string }
  t.ok(pids.length >= 5 && pids.every(alive), 'all components run')
  t.ok(listBridges().includes(bridge))
  child.kill('SIGKILL')
  await once(child, 'exit')
  await eventually('no component is left', () => !pids.some(alive))
  t.match(sweepBridges(), [bridge])
  t.notOk(listBridges().includes(bridge))
})

async function firstLine(child: ChildProcess): Promise<string> {
  let text = ''
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk)
    if (text.includes('\n')) return text.slice(0, text.indexOf('\n'))
  }
  throw new Error(`ended before it had started: ${text}`)
}

function alive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}
