import { podConditions } from '../../../src/sandbox/runtime/status/conditions.ts'
import { podPhase } from '../../../src/sandbox/runtime/status/phase.ts'
import { qosClass } from '../../../src/sandbox/runtime/status/qos.ts'
import type { ContainerStatus } from '../../../src/sandbox/runtime/types.ts'
import t from '../../support/tap.ts'

type Sketch = 'running' | 'waiting' | `exit ${number}` | `restarting ${number}`

function status(name: string, sketch: Sketch, ready = false): ContainerStatus {
  const [word, code] = sketch.split(' ')
  const terminated = { exitCode: Number(code), reason: 'x', startedAt: '', finishedAt: '', containerID: '' }
  const states: Record<string, Pick<ContainerStatus, 'state' | 'lastState'>> = {
    running: { state: { running: { startedAt: '' } }, lastState: {} },
    waiting: { state: { waiting: { reason: 'ContainerCreating' } }, lastState: {} },
    exit: { state: { terminated }, lastState: {} },
    restarting: { state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated } },
  }
  return {
    name,
    ...states[word!]!,
    ready,
    started: word === 'running',
    restartCount: 0,
    image: '',
    imageID: '',
  }
}

interface Case {
  policy?: string
  init?: [Sketch, 'Always'?][]
  app: Sketch[]
  ending?: boolean
}

function phase({ policy = 'Always', init = [], app, ending = false }: Case) {
  const spec = {
    restartPolicy: policy,
    initContainers: init.map(([, restartPolicy], index) => ({ name: `i${index}`, restartPolicy })),
    containers: app.map((_, index) => ({ name: `c${index}` })),
  }
  return podPhase({
    spec,
    init: init.map(([sketch], index) => status(`i${index}`, sketch)),
    app: app.map((sketch, index) => status(`c${index}`, sketch)),
    ending,
  })
}

t.test('the phase is what a kubelet makes of the containers', (t) => {
  const cases: [string, Case, string][] = [
    ['nothing has started', { app: ['waiting'] }, 'Pending'],
    ['one of two has', { app: ['running', 'waiting'] }, 'Pending'],
    ['all have', { app: ['running', 'running'] }, 'Running'],
    ['one has ended', { policy: 'Never', app: ['running', 'exit 0'] }, 'Running'],
    ['one backs off', { app: ['restarting 1'] }, 'Running'],
    ['all ended well', { policy: 'Never', app: ['exit 0', 'exit 0'] }, 'Succeeded'],
    ['one failed', { policy: 'Never', app: ['exit 0', 'exit 2'] }, 'Failed'],
    ['ended, to be restarted', { app: ['exit 0'] }, 'Running'],
    ['failed, to be restarted', { policy: 'OnFailure', app: ['exit 1'] }, 'Running'],
    ['ended well, OnFailure', { policy: 'OnFailure', app: ['exit 0'] }, 'Succeeded'],
    ['init runs', { init: [['running']], app: ['waiting'] }, 'Pending'],
    ['init failed, tried again', { init: [['exit 1']], app: ['waiting'] }, 'Pending'],
    ['init failed for good', { policy: 'Never', init: [['exit 1']], app: ['waiting'] }, 'Failed'],
    ['a sidecar is up', { init: [['running', 'Always']], app: ['running'] }, 'Running'],
    [
      'a sidecar does not count',
      { policy: 'Never', init: [['exit 137', 'Always']], app: ['exit 0'] },
      'Succeeded',
    ],
    ['deleted before it began', { app: ['waiting'], ending: true }, 'Failed'],
    ['deleted, ended well', { app: ['exit 0'], ending: true }, 'Succeeded'],
    ['deleted, killed', { app: ['exit 137'], ending: true }, 'Failed'],
    ['deleted, still running', { app: ['running'], ending: true }, 'Running'],
  ]
  for (const [name, input, expected] of cases) t.equal(phase(input), expected, name)
  t.end()
})

const input = {
  spec: { containers: [{ name: 'a' }], readinessGates: [{ conditionType: 'gate' }] },
  generation: 3,
  phase: 'Running' as const,
  init: [],
  app: [status('a', 'running', true)],
  prepared: true,
  now: '2026-01-02T00:00:00Z',
}

t.test('conditions of others stay, and a time changes only with its status', (t) => {
  const old = { lastProbeTime: null, lastTransitionTime: '2026-01-01T00:00:00Z' } as const
  const current = [
    { type: 'gate', status: 'True' as const, ...old },
    { type: 'ContainersReady', status: 'True' as const, ...old },
    { type: 'Ready', status: 'False' as const, ...old },
  ]
  const conditions = podConditions({ ...input, current })
  const find = (type: string) => conditions.find((each) => each.type === type)
  t.same(find('gate'), current[0])
  t.match(find('ContainersReady'), {
    status: 'True',
    lastTransitionTime: old.lastTransitionTime,
    observedGeneration: 3,
  })
  t.match(find('Ready'), { status: 'True', lastTransitionTime: input.now })
  t.end()
})

t.test('a readiness gate without its condition keeps the pod unready', (t) => {
  const ready = podConditions({ ...input, current: [] }).find(({ type }) => type === 'Ready')
  t.match(ready, {
    status: 'False',
    reason: 'ReadinessGatesNotReady',
    message: 'corresponding condition of pod readiness gate "gate" does not exist.',
  })
  t.end()
})

t.test('QoS classes follow requests and limits', (t) => {
  const of = (...resources: unknown[]) =>
    qosClass({
      containers: resources.map((each, index) => ({ name: `c${index}`, resources: each as never })),
    })
  const full = { cpu: '1', memory: '1Gi' }
  t.equal(of({}), 'BestEffort')
  t.equal(of({ limits: full }), 'Guaranteed')
  t.equal(of({ limits: full, requests: { cpu: '1000m' } }), 'Guaranteed')
  t.equal(of({ limits: full, requests: { cpu: '500m' } }), 'Burstable')
  t.equal(of({ limits: full }, {}), 'Burstable')
  t.equal(of({ requests: { cpu: '0' } }), 'BestEffort')
  t.end()
})
