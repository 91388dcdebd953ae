import { type Any, call, ok, openApi, patch } from '../../support/api-under-test.ts'
import { eventually } from '../../support/eventually.ts'
import t from '../../support/tap.ts'
import { exec } from '../../support/world/streams.ts'

// What a node makes of pods. Where a real cluster is given, the same is asked of its kubelet: paths are relative,
// since a container of the sandbox starts in a directory that stands for its root, and images start in `/`.

/** On the real node, whose images are few. */
const IMAGE = 'busybox:1'
/** A kubelet has its own pace: a missing reference is looked for again after up to a minute. */
const PATIENCE_MS = 90_000

interface Status extends Any {
  name: string
}

t.test('a running node', async (t) => {
  const { admin, namespace } = await openApi(t, 'data-plane')
  const ns = await namespace()
  const base = `/api/v1/namespaces/${ns}`
  const pods = `${base}/pods`
  const sh = (script: string, more: Record<string, unknown> = {}) => ({
    name: 'main',
    image: IMAGE,
    command: ['sh', '-c', script],
    ...more,
  })
  const run = (name: string, spec: Record<string, unknown>, metadata: Record<string, unknown> = {}) =>
    ok(
      call(admin, 'POST', pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, ...metadata },
        spec: { terminationGracePeriodSeconds: 2, automountServiceAccountToken: false, ...spec },
      }),
    )
  const put = (plural: string, name: string, data: Record<string, string>) =>
    ok(call(admin, 'POST', `${base}/${plural}`, { metadata: { name }, ...data }))
  const until = (name: string, what: string, check: (status: Any) => unknown) =>
    eventually(
      `${name} ${what}`,
      async () => {
        const reply = await call(admin, 'GET', `${pods}/${name}`)
        if (reply.status !== 200) return undefined
        const pod = reply.json<Any>()
        return check(pod['status']) ? pod : undefined
      },
      PATIENCE_MS,
    )
  const over = (name: string) =>
    until(name, 'is over', ({ phase }) => /Succeeded|Failed/.test(phase as string))
  const log = async (name: string, query = '') =>
    (await call(admin, 'GET', `${pods}/${name}/log?${query}`)).text
  const first = (status: Any): Any => (status['containerStatuses'] as Any[] | undefined)?.[0] ?? ({} as Any)
  const remove = (name: string) => call(admin, 'DELETE', `${pods}/${name}`, { gracePeriodSeconds: 0 })
  const conditionsOf = (status: Any) =>
    Object.fromEntries(
      (status['conditions'] as Any[]).map((each) => [
        each['type'],
        `${each['status']} ${each['reason'] ?? ''}`.trim(),
      ]),
    )

  await t.test('a pod that ends well: phase, conditions, container state, log and Events', async (t) => {
    await run('well', { restartPolicy: 'Never', containers: [sh('echo out; echo err >&2')] })
    const { status, metadata } = await over('well')
    t.equal(status.phase, 'Succeeded')
    t.match(conditionsOf(status), {
      PodReadyToStartContainers: 'False',
      Initialized: 'True PodCompleted',
      Ready: 'False PodCompleted',
      ContainersReady: 'False PodCompleted',
      PodScheduled: 'True',
    })
    t.match(first(status), {
      ready: false,
      started: false,
      restartCount: 0,
      state: { terminated: { exitCode: 0, reason: 'Completed' } },
    })
    t.equal(first(status).state.terminated.containerID, first(status).containerID)
    t.match(status, { qosClass: 'BestEffort', observedGeneration: metadata.generation })
    t.ok(status.startTime && status.hostIP && status.hostIPs?.[0]?.ip === status.hostIP)
    t.same((await log('well')).trim().split('\n').sort(), ['err', 'out'])
    const events = await ok(call(admin, 'GET', `${base}/events?fieldSelector=involvedObject.name%3Dwell`))
    const reasons = (events.items as Status[]).map((event) => event['reason'])
    for (const reason of ['Scheduled', 'Pulled', 'Created', 'Started']) t.ok(reasons.includes(reason), reason)
  })

  await t.test(
    'a pod that fails: exit code, termination message, and what could not be started',
    async (t) => {
      const script =
        'f=/dev/termination-log; [ -z "$SANDBOX_TERMINATION_LOG" ] || f=$SANDBOX_TERMINATION_LOG; echo why > $f; exit 7'
      await run('fails', { restartPolicy: 'Never', containers: [sh(script)] })
      await run('missing', { restartPolicy: 'Never', containers: [sh('', { command: ['no-such-program'] })] })
      await run('killed', {
        restartPolicy: 'Never',
        containers: [sh('kill -9 $$; sleep 1', { command: ['sh', '-c', 'sh -c "kill -9 \\$\\$"; exit $?'] })],
      })
      const { status } = await over('fails')
      t.match(first(status).state.terminated, { exitCode: 7, reason: 'Error', message: 'why\n' })
      t.match(conditionsOf(status), { Ready: 'False PodFailed', ContainersReady: 'False PodFailed' })
      const missing = await over('missing')
      t.equal(missing.status.phase, 'Failed')
      t.match(first(missing.status).state.terminated, { exitCode: 128, reason: 'StartError' })
      t.match(first(missing.status).state.terminated.message, /executable file not found in \$PATH/)
      t.equal(first((await over('killed')).status).state.terminated.exitCode, 137)
    },
  )

  await t.test('environment and volumes as the pod says', async (t) => {
    await put('configmaps', 'settings', { data: { mode: 'quiet' } } as never)
    await put('secrets', 'login', { stringData: { password: 's3cret' } } as never)
    const env = [
      { name: 'A', value: 'a' },
      { name: 'B', value: '$(A)-$$(A)-$(C)' },
      { name: 'MODE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'mode' } } },
      { name: 'NOPE', valueFrom: { secretKeyRef: { name: 'none', key: 'x', optional: true } } },
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'NOTE', valueFrom: { fieldRef: { fieldPath: "metadata.annotations['example.com/note']" } } },
      { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
    ]
    const volumeMounts = ['config', 'secret', 'down'].map((name) => ({ name, mountPath: `/v/${name}` }))
    const script =
      'echo "$B $MODE [$NOPE] $POD $NOTE $CPU"; cat v/config/mode v/secret/password v/down/labels; echo; ls v/config'
    const container = sh(script, {
      env,
      volumeMounts,
      resources: { limits: { cpu: '250m', memory: '32Mi' } },
    })
    const items = [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }]
    const volumes = [
      { name: 'config', configMap: { name: 'settings' } },
      { name: 'secret', secret: { secretName: 'login' } },
      { name: 'down', downwardAPI: { items } },
    ]
    const metadata = { labels: { a: '1', b: '2' }, annotations: { 'example.com/note': 'noted' } }
    await run('reads', { restartPolicy: 'Never', containers: [container], volumes }, metadata)
    const { status } = await over('reads')
    t.equal(await log('reads'), 'a-$(A)-$(C) quiet [] reads noted 250\nquiets3creta="1"\nb="2"\nmode\n')
    t.equal(status.qosClass, 'Guaranteed')
    t.match(first(status), { allocatedResources: { cpu: '250m' }, resources: { limits: { memory: '32Mi' } } })
  })

  await t.test("a missing reference is waited for, in a kubelet's words", async (t) => {
    const env = [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'later', key: 'x' } } }]
    await run('waits', { restartPolicy: 'Never', containers: [sh('echo $X', { env })] })
    const { status } = await until('waits', 'says why', (status) => first(status)['state']?.waiting?.message)
    t.equal(status.phase, 'Pending')
    t.same(first(status).state.waiting, {
      reason: 'CreateContainerConfigError',
      message: 'configmap "later" not found',
    })
    const refused = await call(admin, 'GET', `${pods}/waits/log`)
    t.equal(refused.status, 400)
    t.equal(
      refused.json<Any>()['message'],
      'container "main" in pod "waits" is waiting to start: CreateContainerConfigError',
    )
    await put('configmaps', 'later', { data: { x: 'came' } } as never)
    await over('waits')
    t.equal(await log('waits'), 'came\n')
  })

  await t.test('init containers in order, then a sidecar, then the containers', async (t) => {
    const volumeMounts = [{ name: 'shared', mountPath: '/shared' }]
    const part = (name: string, script: string, more = {}) => sh(script, { name, volumeMounts, ...more })
    await run('ordered', {
      restartPolicy: 'Never',
      volumes: [{ name: 'shared', emptyDir: {} }],
      initContainers: [
        part('one', 'echo one >> shared/log'),
        part('side', 'echo side >> shared/log; exec sleep 1000', { restartPolicy: 'Always' }),
        part('two', 'until grep -q side shared/log; do sleep 1; done; echo two >> shared/log'),
      ],
      containers: [part('main', 'cat shared/log')],
    })
    const { status } = await over('ordered')
    t.equal(status.phase, 'Succeeded')
    t.equal(await log('ordered', 'container=main'), 'one\nside\ntwo\n')
    const inits = status.initContainerStatuses as Status[]
    t.match(inits[0], {
      name: 'one',
      ready: true,
      state: { terminated: { exitCode: 0, reason: 'Completed' } },
    })
    t.ok(inits[1]?.['state'].terminated, 'the sidecar has ended too')
  })

  await t.test('a container that crashes is restarted, its last state and log are kept', async (t) => {
    await run('crashes', { containers: [sh('echo run; exit 3')] })
    const { status } = await until('crashes', 'backs off', (status) => {
      return (
        first(status)['state']?.waiting?.reason === 'CrashLoopBackOff' && first(status)['restartCount'] > 0
      )
    })
    t.equal(status.phase, 'Running')
    t.match(first(status), {
      lastState: { terminated: { exitCode: 3, reason: 'Error' } },
      ready: false,
      started: false,
    })
    t.match(
      first(status).state.waiting.message,
      /^back-off \d+s restarting failed container=main pod=crashes_/,
    )
    t.match(conditionsOf(status), {
      Ready: 'False ContainersNotReady',
      ContainersReady: 'False ContainersNotReady',
    })
    t.equal(await log('crashes', 'previous=true'), 'run\n')
    await remove('crashes')
  })

  await t.test('logs and exec of a running pod', async (t) => {
    const readinessProbe = { exec: { command: ['true'] }, periodSeconds: 1 }
    await run('stays', {
      containers: [sh('for i in 1 2 3; do echo line $i; done; exec sleep 1000', { readinessProbe })],
    })
    const { status } = await until('stays', 'is ready', (status) => first(status)['ready'])
    t.match(first(status), { started: true, state: { running: { startedAt: /Z$/ } } })
    t.match(conditionsOf(status), {
      Ready: 'True',
      ContainersReady: 'True',
      Initialized: 'True',
      PodReadyToStartContainers: 'True',
    })
    t.equal(await log('stays'), 'line 1\nline 2\nline 3\n')
    t.equal(await log('stays', 'tailLines=1'), 'line 3\n')
    t.equal(await log('stays', 'tailLines=0'), '')
    t.equal(await log('stays', 'limitBytes=9'), 'line 1\nli')
    t.match(
      await log('stays', 'timestamps=true&tailLines=1'),
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z line 3\n$/,
    )
    const previous = await call(admin, 'GET', `${pods}/stays/log?previous=true`)
    t.equal(previous.status, 400)
    t.equal(previous.json<Any>()['message'], 'previous terminated container "main" in pod "stays" not found')

    const inside = (command: string[], stdin?: string) =>
      exec(admin, { namespace: ns, pod: 'stays', command, stdin })
    t.match(await inside(['sh', '-c', 'echo out; echo err >&2; exit 7']), {
      stdout: 'out\n',
      stderr: 'err\n',
      code: 7,
    })
    t.match(await inside(['cat'], 'through'), { stdout: 'through', code: 0 })
    const missing = await inside(['no-such-program'])
    t.equal(missing.code, undefined)
    t.match(missing.status.message, /executable file not found in \$PATH/)
  })

  await t.test('an ephemeral container joins a running pod', async (t) => {
    const body = {
      spec: { ephemeralContainers: [{ name: 'debug', image: IMAGE, command: ['echo', 'debugging'] }] },
    }
    await ok(patch(admin, 'strategic-merge', `${pods}/stays/ephemeralcontainers`, body))
    const { status } = await until('stays', 'was debugged', (status) => {
      return (status['ephemeralContainerStatuses'] as Any[] | undefined)?.[0]?.['state'].terminated
    })
    t.match(status.ephemeralContainerStatuses[0], {
      name: 'debug',
      ready: false,
      state: { terminated: { exitCode: 0 } },
    })
    t.equal(await log('stays', 'container=debug'), 'debugging\n')
    t.equal(status.phase, 'Running')
  })

  await t.test('readiness gates are part of Ready', async (t) => {
    await run('gated', {
      readinessGates: [{ conditionType: 'example.com/gate' }],
      containers: [sh('exec sleep 1000')],
    })
    const closed = await until('gated', 'runs', (status) => first(status)['ready'])
    t.match(conditionsOf(closed.status), { Ready: 'False ReadinessGatesNotReady', ContainersReady: 'True' })
    const conditions = [{ type: 'example.com/gate', status: 'True' }]
    await ok(patch(admin, 'strategic-merge', `${pods}/gated/status`, { status: { conditions } }))
    const opened = await until('gated', 'is ready', (status) => conditionsOf(status)['Ready'] === 'True')
    t.equal(conditionsOf(opened.status)['example.com/gate'], 'True')
    await remove('gated')
  })

  await t.test('a deleted pod is told to end, and goes when it has', async (t) => {
    const script = 'trap "echo bye; exit 0" TERM; while :; do sleep 1; done'
    await run('polite', { terminationGracePeriodSeconds: 60, containers: [sh(script)] })
    await until('polite', 'runs', (status) => first(status)['state']?.running)
    const followed = log('polite', 'follow=true')
    const answer = await ok(call(admin, 'DELETE', `${pods}/polite`))
    t.equal(answer.metadata.deletionGracePeriodSeconds, 60)
    t.match(await followed, /bye\n$/)
    await eventually(
      'it is gone',
      async () => (await call(admin, 'GET', `${pods}/polite`)).status === 404,
      PATIENCE_MS,
    )
  })

  await t.test('activeDeadlineSeconds fails the pod', async (t) => {
    await run('late', { activeDeadlineSeconds: 1, containers: [sh('exec sleep 1000')] })
    const { status } = await over('late')
    t.match(status, { phase: 'Failed', reason: 'DeadlineExceeded' })
  })
})
