import type { Pod } from '../../../src/sandbox/runtime/types.ts'
import { eventually } from '../../support/eventually.ts'
import { startRuntimeHarness } from '../../support/sandbox-runtime.ts'
import t from '../../support/tap.ts'

const sh = (script: string, rest: Record<string, unknown> = {}) => ({
  name: 'main',
  image: 'busybox',
  command: ['/bin/sh', '-c', script],
  ...rest,
})

t.test('a pod that ends well is Succeeded, with its log and its Events', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  sandbox.createPod('once', { restartPolicy: 'Never', containers: [sh('echo hello; echo oops >&2')] })
  const status = await sandbox.status('once', 'is over', ({ phase }) => phase === 'Succeeded')
  const [container] = status.containerStatuses!
  t.match(container, {
    ready: false,
    restartCount: 0,
    image: 'busybox',
    containerID: /^sandbox:\/\/[0-9a-f]{64}$/,
    state: { terminated: { exitCode: 0, reason: 'Completed' } },
  })
  t.match(
    status.conditions!.map(({ type, status, reason }) => `${type}=${status} ${reason ?? ''}`.trim()),
    [
      'PodReadyToStartContainers=False',
      'Initialized=True PodCompleted',
      'Ready=False PodCompleted',
      'ContainersReady=False PodCompleted',
      'PodScheduled=True',
    ],
  )
  t.equal(status.observedGeneration, sandbox.getPod('once')!.metadata.generation)
  t.equal(status.qosClass, 'BestEffort')
  const log = await sandbox.log('once')
  t.same(log.split('\n').sort(), ['', 'hello', 'oops'])
  t.same(new Set(sandbox.reasons('once')), new Set(['Pulled', 'Created', 'Started']))
})

t.test('a pod that fails for good is Failed, with the code and the termination message', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  const script = 'echo why > "$SANDBOX_TERMINATION_LOG"; exit 7'
  sandbox.createPod('fails', { restartPolicy: 'Never', containers: [sh(script)] })
  const status = await sandbox.status('fails', 'is over', ({ phase }) => phase === 'Failed')
  t.match(status.containerStatuses![0]!.state, {
    terminated: { exitCode: 7, reason: 'Error', message: 'why\n' },
  })
  const fallback = sh('echo last words; exit 1', { terminationMessagePolicy: 'FallbackToLogsOnError' })
  sandbox.createPod('falls-back', { restartPolicy: 'Never', containers: [fallback] })
  const other = await sandbox.status('falls-back', 'is over', ({ phase }) => phase === 'Failed')
  t.match(other.containerStatuses![0]!.state.terminated?.message, 'last words')
})

t.test('a container that crashes is restarted with back-off, and its count never falls', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  sandbox.createPod('crashes', { restartPolicy: 'Always', containers: [sh('echo run; exit 3')] })
  const waiting = await sandbox.status('crashes', 'backs off', ({ containerStatuses }) => {
    return containerStatuses?.[0]?.state.waiting?.reason === 'CrashLoopBackOff'
  })
  t.match(waiting.containerStatuses![0], {
    state: { waiting: { message: /^back-off .*s restarting failed container=main pod=crashes_default\(/ } },
    lastState: { terminated: { exitCode: 3, reason: 'Error' } },
  })
  t.equal(waiting.phase, 'Running')
  await sandbox.status('crashes', 'ran four times', (s) => (s.containerStatuses?.[0]?.restartCount ?? 0) >= 3)
  t.ok(sandbox.reasons('crashes').includes('BackOff'))
})

t.test('a missing ConfigMap keeps the container waiting, until it comes', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  const ref = { name: 'settings', key: 'mode' }
  const container = sh('echo "mode $MODE"; sleep 100', {
    env: [{ name: 'MODE', valueFrom: { configMapKeyRef: ref } }],
  })
  sandbox.createPod('waits', { containers: [container] })
  const status = await sandbox.status(
    'waits',
    'waits',
    (s) => s.containerStatuses?.[0]?.state.waiting?.message,
  )
  t.same(status.containerStatuses![0]!.state.waiting, {
    reason: 'CreateContainerConfigError',
    message: 'configmap "settings" not found',
  })
  t.equal(status.phase, 'Pending')
  sandbox.store.create('configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'default', name: 'settings' },
    data: { mode: 'quiet' },
  })
  await sandbox.status('waits', 'runs', ({ phase }) => phase === 'Running')
  await eventually('its log', async () => (await sandbox.log('waits')) === 'mode quiet\n')
})

t.test('an image without a command says what the sandbox is', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  sandbox.createPod('image', { containers: [{ name: 'main', image: 'nginx:1.27' }] })
  const status = await sandbox.status(
    'image',
    'waits',
    (s) => s.containerStatuses?.[0]?.state.waiting?.message,
  )
  t.match(status.containerStatuses![0]!.state.waiting, {
    reason: 'ErrImagePull',
    message: /runs processes of this machine, not images/,
  })
})

t.test('deleting a pod ends its processes first: SIGTERM, then the object goes', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  const script = 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.05; done'
  sandbox.createPod('polite', { terminationGracePeriodSeconds: 30, containers: [sh(script)] })
  await sandbox.status('polite', 'runs', ({ phase }) => phase === 'Running')
  await eventually('it is up', async () => (await sandbox.log('polite')).includes('up'))
  const phases: unknown[] = []
  const end = sandbox.store.watch('pods', {
    resourceVersion: sandbox.store.resourceVersion,
    onEvent: ({ type, object }) => {
      phases.push(`${type} ${(object['status'] as { phase: string }).phase}`)
    },
  })
  t.teardown(end)
  const result = sandbox.store.delete('pods', { namespace: 'default', name: 'polite' })
  t.equal(result.gone, false)
  await eventually('it is gone', () => !sandbox.getPod('polite'))
  await eventually('the deletion is told', () => phases.at(-1) === 'DELETED Succeeded')
  t.ok(phases.includes('MODIFIED Succeeded'), 'terminal before it goes')
  t.ok(sandbox.reasons('polite').includes('Killing'))
})

t.test(
  'a process that ignores SIGTERM is killed when its grace is over; a shorter grace cuts it',
  async (t) => {
    const sandbox = await startRuntimeHarness(t)
    const script = 'trap "" TERM; while :; do sleep 0.05; done'
    sandbox.createPod('stubborn', { terminationGracePeriodSeconds: 600, containers: [sh(script)] })
    await sandbox.status('stubborn', 'runs', ({ phase }) => phase === 'Running')
    sandbox.store.delete('pods', { namespace: 'default', name: 'stubborn' })
    await eventually('SIGTERM was sent', () => sandbox.reasons('stubborn').includes('Killing'))
    t.ok(sandbox.getPod('stubborn'), 'it has 600 s')
    sandbox.store.delete('pods', { namespace: 'default', name: 'stubborn' }, { gracePeriodSeconds: 1 })
    await eventually('it is gone', () => !sandbox.getPod('stubborn'))
  },
)

t.test('init containers run in order, a sidecar counts once started and ends last', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  const write = (word: string) => `echo ${word} >> shared/order`
  const mounts = { volumeMounts: [{ name: 'shared', mountPath: '/shared' }] }
  const part = (name: string, script: string, rest = {}) => sh(script, { name, ...mounts, ...rest })
  const sidecar = `${write('sidecar')}; trap "${write('sidecar-end')}; exit 0" TERM; while :; do sleep 0.05; done`
  sandbox.createPod('ordered', {
    restartPolicy: 'Never',
    volumes: [{ name: 'shared', emptyDir: {} }],
    initContainers: [
      part('first', `sleep 0.1; ${write('first')}`),
      part('side', sidecar, { restartPolicy: 'Always' }),
      part('second', `while ! grep -q sidecar shared/order; do sleep 0.02; done; ${write('second')}`),
    ],
    containers: [part('main', `${write('main')}; sleep 0.1; ${write('main-end')}; cat shared/order`)],
  })
  const early: unknown[] = []
  const watch = sandbox.store.watch<Pod>('pods', {
    onEvent: ({ object }) => {
      const { phase, initContainerStatuses = [] } = object.status ?? {}
      const running = initContainerStatuses.some(({ state }) => state.running)
      if (phase === 'Succeeded' && running) early.push(object.status)
    },
  })
  t.teardown(watch)
  const status = await sandbox.status('ordered', 'is over', ({ phase }) => phase === 'Succeeded')
  t.same(early, [], 'never over while the sidecar runs')
  t.same((await sandbox.log('ordered')).trim().split('\n'), [
    'first',
    'sidecar',
    'second',
    'main',
    'main-end',
  ])
  t.match(
    status.initContainerStatuses!.map(({ name, state }) => `${name} ${state.terminated?.exitCode}`),
    ['first 0', 'side 0', 'second 0'],
  )
})

t.test('an init container that fails for good fails the pod', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  sandbox.createPod('bad-init', {
    restartPolicy: 'Never',
    initContainers: [sh('exit 9', { name: 'init' })],
    containers: [sh('echo never')],
  })
  const status = await sandbox.status('bad-init', 'is over', ({ phase }) => phase === 'Failed')
  t.equal(status.initContainerStatuses![0]!.state.terminated?.exitCode, 9)
  t.ok(status.containerStatuses![0]!.state.terminated ?? status.containerStatuses![0]!.state.waiting)
})

t.test('activeDeadlineSeconds ends the pod as Failed with DeadlineExceeded', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  sandbox.createPod('late', { activeDeadlineSeconds: 1, containers: [sh('sleep 100')] })
  const status = await sandbox.status('late', 'is over', ({ phase }) => phase === 'Failed')
  t.equal(status.reason, 'DeadlineExceeded')
})

t.test('probes: startup, readiness and liveness decide what they should', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  const probe = (file: string) => ({
    exec: { command: ['/usr/bin/test', '-e', file] },
    periodSeconds: 0.05,
    failureThreshold: 1,
  })
  const script = 'touch alive; sleep 0.2; touch started; sleep 0.2; touch ready; sleep 1; rm alive; sleep 100'
  const main = sh(script, {
    startupProbe: { ...probe('started'), failureThreshold: 100 },
    readinessProbe: probe('ready'),
    livenessProbe: { ...probe('alive'), terminationGracePeriodSeconds: 1 },
  })
  sandbox.createPod('probed', { containers: [main] })
  const first = await sandbox.status('probed', 'runs', (s) => s.containerStatuses?.[0]?.state.running)
  t.equal(first.containerStatuses![0]!.started, false)
  const ready = await sandbox.status('probed', 'is ready', (s) => s.containerStatuses?.[0]?.ready)
  t.equal(ready.conditions!.find(({ type }) => type === 'Ready')?.status, 'True')
  await sandbox.status('probed', 'is restarted', (s) => s.containerStatuses?.[0]?.restartCount === 1)
  t.ok(sandbox.reasons('probed').includes('Unhealthy'))
})

t.test('processes end with the runtime', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  sandbox.createPod('tree', { containers: [sh('sleep 987 & echo $! $$; wait')] })
  const pids = await eventually('its pids', async () => {
    const found = (await sandbox.log('tree')).trim().split(' ').map(Number)
    return found.length === 2 ? found : undefined
  })
  await sandbox.runtime.stop()
  for (const pid of pids) {
    await eventually(`process ${pid} is gone`, () => {
      try {
        process.kill(pid, 0)
        return false
      } catch {
        return true
      }
    })
  }
  t.pass('none is left')
})
