import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { effectiveAmounts, type PodResources } from '../../../src/kube/effective-requests.ts'
import { parseQuantity } from '../../../src/kube/quantity.ts'
import t from '../../support/tap.ts'

interface Fixture {
  pod: PodResources
  requests: Record<string, string>
  limits: Record<string, string>
}

const fixtures: Fixture[] = JSON.parse(
  readFileSync(new URL('fixtures/pods.generated.json', import.meta.url), 'utf8'),
)

const withLimits = new Set(['cpu', 'memory', 'ephemeral-storage'])

function expected({ requests, limits }: Fixture): Record<string, bigint> {
  const out: Record<string, bigint> = { pods: 1000n }
  for (const [name, text] of Object.entries(requests)) out[`requests.${name}`] = parseQuantity(text, name)
  for (const [name, text] of Object.entries(limits)) {
    if (withLimits.has(name)) out[`limits.${name}`] = parseQuantity(text, name)
  }
  return out
}

t.test(
  "F6: amounts are those of Kubernetes' own code, with sidecars, resize, pod level and overhead",
  async (t) => {
    t.ok(fixtures.length >= 200)
    for (const [index, fixture] of fixtures.entries()) {
      t.same(Object.fromEntries(effectiveAmounts(fixture.pod)), expected(fixture), `pod ${index}`)
    }
  },
)

/** An oracle that plays the start: which containers run at each moment, and what they ask for together. */
function greatestMoment(pod: { containers: number[]; init: { cpu: number; sidecar: boolean }[] }): bigint {
  const moments: number[] = []
  const running: number[] = []
  for (const { cpu, sidecar } of pod.init) {
    moments.push([...running, cpu].reduce((sum, value) => sum + value, 0))
    if (sidecar) running.push(cpu)
  }
  moments.push([...running, ...pod.containers].reduce((sum, value) => sum + value, 0))
  return BigInt(Math.max(...moments))
}

t.test('F6: requests are those of the greatest moment of 10,000 random starts', async (t) => {
  const cpu = fc.integer({ min: 0, max: 5000 })
  const pods = fc.record({
    containers: fc.array(cpu, { minLength: 1, maxLength: 4 }),
    init: fc.array(fc.record({ cpu, sidecar: fc.boolean() }), { maxLength: 4 }),
  })
  const check = fc.property(pods, (pod) => {
    const requirements = (cpu: number) => ({ resources: { requests: { cpu: `${cpu}m` } } })
    const amounts = effectiveAmounts({
      spec: {
        containers: pod.containers.map((cpu, index) => ({ name: `c${index}`, ...requirements(cpu) })),
        initContainers: pod.init.map(({ cpu, sidecar }, index) => ({
          name: `i${index}`,
          restartPolicy: sidecar ? 'Always' : undefined,
          ...requirements(cpu),
        })),
      },
    })
    return amounts.get('requests.cpu') === greatestMoment(pod)
  })
  fc.assert(check, { numRuns: 10_000 })
  t.pass('holds')
})

t.test('a missing request is its limit, as an API server will default it', async (t) => {
  const resources = { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '1' } }
  const amounts = effectiveAmounts({ spec: { containers: [{ name: 'a', resources }] } })
  t.equal(amounts.get('requests.cpu'), 1000n)
  t.equal(amounts.get('requests.memory'), 1024n ** 3n * 1000n)
})

t.test('pod-level limits without requests: from the containers, else from the limit', async (t) => {
  const amounts = effectiveAmounts({
    spec: {
      containers: [{ name: 'a', resources: { requests: { cpu: '1' } } }],
      resources: { limits: { cpu: '3', memory: '2Gi' } },
    },
  })
  t.same(Object.fromEntries(amounts), {
    pods: 1000n,
    'requests.cpu': 1000n,
    'limits.cpu': 3000n,
    'requests.memory': 2n * 1024n ** 3n * 1000n,
    'limits.memory': 2n * 1024n ** 3n * 1000n,
  })
})

t.test('odd amounts are refused with their path, wherever they are', async (t) => {
  const container = (resources: object) => ({ spec: { containers: [{ name: 'a', resources }] } })
  const cases: [string, object][] = [
    ['spec.containers[0].resources.requests.cpu', container({ requests: { cpu: '1e400' } })],
    ['spec.containers[0].resources.limits.memory', container({ limits: { memory: '-5Gi' } })],
    ['spec.containers[0].resources.limits', container({ limits: ['1'] })],
    ['spec.overhead.cpu', { spec: { containers: [], overhead: { cpu: {} } } }],
    ['spec.resources.limits.cpu', { spec: { containers: [], resources: { limits: { cpu: '' } } } }],
    ['spec.containers', { spec: { containers: 'x' } }],
    ['spec.initContainers', { spec: { initContainers: [null] } }],
  ]
  for (const [field, pod] of cases) {
    t.throws(
      () => effectiveAmounts(pod as PodResources),
      { code: 'invalid', details: { causes: [{ field }] } },
      field,
    )
  }
})

t.test('a pod that asks for nothing still is a pod', async (t) => {
  t.same([...effectiveAmounts({})], [['pods', 1000n]])
  t.same([...effectiveAmounts({ spec: { containers: [{ name: 'a' }] } })], [['pods', 1000n]])
})
