import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttp } from 'node:http'
import { createServer as createHttp2 } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { V1EphemeralContainer } from '@kubernetes/client-node'
import type { Pod } from '../../../src/sandbox/runtime/types.ts'
import { eventually } from '../../support/eventually.ts'
import { startRuntimeHarness } from '../../support/sandbox-runtime.ts'
import t, { type Test } from '../../support/tap.ts'

const sh = (script: string, rest: Record<string, unknown> = {}) => ({
  name: 'main',
  image: 'busybox',
  command: ['/bin/sh', '-c', script],
  ...rest,
})

async function listen(t: Test, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

t.test('a pod sees nothing of the environment of whoever started the sandbox', async (t) => {
  process.env['ISTHMUS_TEST_SECRET'] = 'do not leak'
  t.teardown(() => {
    delete process.env['ISTHMUS_TEST_SECRET']
  })
  const sandbox = await startRuntimeHarness(t, { apiServer: { host: '127.0.0.1', port: 6443 } })
  sandbox.store.create('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name: 'my-db' },
    spec: { clusterIP: '10.0.0.9', ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }] },
  })
  sandbox.createPod('env', { restartPolicy: 'Never', containers: [sh('env')] })
  await sandbox.status('env', 'is over', ({ phase }) => phase === 'Succeeded')
  const env = Object.fromEntries(
    (await sandbox.log('env'))
      .trim()
      .split('\n')
      .map((line) => line.split('=')),
  )
  t.notOk('ISTHMUS_TEST_SECRET' in env)
  t.match(env, {
    HOSTNAME: 'env',
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: '6443',
    MY_DB_SERVICE_HOST: '10.0.0.9',
    MY_DB_SERVICE_PORT_SQL: '5432',
    MY_DB_PORT_5432_TCP_ADDR: '10.0.0.9',
  })
})

t.test("probes by HTTP, TCP and gRPC ask the pod's port", async (t) => {
  let healthy = false
  const http = await listen(
    t,
    createHttp((request, response) => {
      response.statusCode = healthy && request.headers['x-probe'] === 'yes' ? 204 : 503
      response.end()
    }),
  )
  const grpcServer = createHttp2()
  grpcServer.on('stream', (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, healthy ? 1 : 2]))
  })
  const grpc = await listen(t, grpcServer)
  const sandbox = await startRuntimeHarness(t)
  const often = { periodSeconds: 0.05 }
  const httpGet = { path: 'ready', port: 'web', httpHeaders: [{ name: 'X-Probe', value: 'yes' }] }
  const probes: Record<string, Record<string, unknown>> = {
    http: { readinessProbe: { httpGet, ...often }, ports: [{ name: 'web', containerPort: http }] },
    tcp: { readinessProbe: { tcpSocket: { port: http }, ...often } },
    grpc: { readinessProbe: { grpc: { port: grpc }, ...often } },
    closed: { readinessProbe: { tcpSocket: { port: 1 }, ...often } },
  }
  const containers = Object.entries(probes).map(([name, rest]) => sh('sleep 1000', { name, ...rest }))
  sandbox.createPod('probed', { containers })
  const ready = () =>
    (sandbox.getPod('probed')?.status?.containerStatuses ?? [])
      .filter((each) => each.ready)
      .map((each) => each.name)
  await eventually('TCP alone is ready', () => ready().join() === 'tcp')
  healthy = true
  await eventually('HTTP and gRPC are ready too', () => ready().join() === 'http,tcp,grpc')
  healthy = false
  await eventually('they are not any more', () => ready().join() === 'tcp')
  t.pass('as asked')
})

t.test('hooks run where they should; a postStart hook that fails ends the container', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  const volumeMounts = [{ name: 'shared', mountPath: '/shared' }]
  const exec = (script: string) => ({ exec: { command: ['/bin/sh', '-c', script] } })
  const lifecycle = {
    postStart: exec('echo started > shared/post'),
    preStop: exec('echo stopping >> shared/post'),
  }
  const script = 'exec 2>/dev/null; trap "cat shared/post; exit 0" TERM; while :; do sleep 0.05; done'
  sandbox.createPod('hooked', {
    volumes: [{ name: 'shared', emptyDir: {} }],
    containers: [sh(script, { lifecycle, volumeMounts })],
    terminationGracePeriodSeconds: 20,
  })
  await sandbox.status('hooked', 'is ready', (s) => s.containerStatuses?.[0]?.ready)
  const log = await sandbox.runtime.backend.logs({
    pod: sandbox.getPod('hooked') as never,
    container: 'main',
    follow: true,
    previous: false,
    timestamps: false,
    insecureSkipTLSVerifyBackend: false,
    signal: new AbortController().signal,
  })
  sandbox.store.delete('pods', { namespace: 'default', name: 'hooked' })
  t.equal((await log.toArray()).map(String).join(''), 'started\nstopping\n')

  const bad = { postStart: exec('exit 3') }
  sandbox.createPod('bad', { restartPolicy: 'Never', containers: [sh('sleep 1000', { lifecycle: bad })] })
  await sandbox.status('bad', 'has failed', ({ phase }) => phase === 'Failed')
  t.ok(sandbox.reasons('bad').includes('FailedPostStartHook'))
})

t.test('a new image restarts the container, new labels are seen, an ephemeral container joins', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  const items = [{ path: 'color', fieldRef: { fieldPath: "metadata.labels['color']" } }]
  const script = 'while :; do cat down/color; echo; sleep 0.05; done'
  sandbox.createPod(
    'changes',
    {
      volumes: [{ name: 'down', downwardAPI: { items } }],
      containers: [sh(script, { volumeMounts: [{ name: 'down', mountPath: '/down' }] })],
    },
    { labels: { color: 'red' } },
  )
  const change = (edit: (pod: Pod) => void) =>
    sandbox.store.mutate<Pod>('pods', { namespace: 'default', name: 'changes' }, edit)
  await eventually('the first color', async () => {
    const { phase } = sandbox.getPod('changes')?.status ?? {}
    return phase === 'Running' && (await sandbox.log('changes')).includes('red')
  })
  change((pod) => {
    pod.metadata.labels = { color: 'blue' }
  })
  await eventually('the second color', async () => (await sandbox.log('changes')).includes('blue'))
  change((pod) => {
    pod.spec.ephemeralContainers = [{ ...sh('echo debugging'), name: 'debug' } as V1EphemeralContainer]
  })
  const debugged = await sandbox.status(
    'changes',
    'was debugged',
    (s) => s.ephemeralContainerStatuses?.[0]?.state.terminated,
  )
  t.match(debugged.ephemeralContainerStatuses?.[0], {
    name: 'debug',
    ready: false,
    state: { terminated: { exitCode: 0 } },
  })
  t.equal(await sandbox.log('changes', 'debug'), 'debugging\n')
  t.equal(debugged.phase, 'Running')
  change((pod) => {
    pod.spec.containers[0]!.image = 'busybox:2'
  })
  const restarted = await sandbox.status(
    'changes',
    'restarted',
    (s) => s.containerStatuses?.[0]?.restartCount === 1,
  )
  t.equal(restarted.containerStatuses![0]!.image, 'busybox:2')
  t.equal(restarted.observedGeneration, sandbox.getPod('changes')?.metadata.generation)
})

t.test('a program that is not there is a StartError, with code 128', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  sandbox.createPod('missing', {
    restartPolicy: 'Never',
    containers: [{ ...sh(''), command: ['no-such-program'] }],
  })
  const status = await sandbox.status('missing', 'has failed', ({ phase }) => phase === 'Failed')
  t.match(status.containerStatuses![0]!.state.terminated, {
    exitCode: 128,
    reason: 'StartError',
    message: /executable file not found in \$PATH$/,
  })
})

t.test('a pod that is deleted with no grace loses its processes too', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  sandbox.createPod('forced', { containers: [sh('trap "" TERM; echo $$; while :; do sleep 0.05; done')] })
  const pid = Number(
    await eventually('its pid', async () => {
      return sandbox.getPod('forced')?.status?.phase === 'Running' && (await sandbox.log('forced')).trim()
    }),
  )
  sandbox.store.delete('pods', { namespace: 'default', name: 'forced' }, { gracePeriodSeconds: 0 })
  t.equal(sandbox.getPod('forced'), undefined)
  await eventually('the process is gone', () => !isAlive(pid))
})

t.test('processes end when the sandbox is killed without a word', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'isthmus-killed-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const program = `
    import { makeSpawn } from ${JSON.stringify(new URL('../../../src/sandbox/runtime/process/spawn.ts', import.meta.url))}
    import { startReaper } from ${JSON.stringify(new URL('../../../src/sandbox/runtime/process/reaper.ts', import.meta.url))}
    const spawn = makeSpawn(startReaper())
    const argv = ['sh', '-c', 'trap "" TERM HUP; sleep 1000 & echo $$ $!; wait']
    const { stdout } = await spawn({ file: '/bin/sh', argv, cwd: '/', env: {}, stdin: false, tty: false })
    stdout.pipe(process.stdout)
    setInterval(() => {}, 1000)
  `
  const host = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(host.stdout, 'data')
  const pids = String(line).trim().split(' ').map(Number)
  t.ok(pids.length === 2 && pids.every(isAlive))
  host.kill('SIGKILL')
  for (const pid of pids) await eventually(`process ${pid} is gone`, () => !isAlive(pid))
})

/** A process that has ended and that nobody has waited for yet counts as gone. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
