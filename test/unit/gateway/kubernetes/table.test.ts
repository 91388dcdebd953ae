import type { Pod } from '../../../../src/gateway/kubernetes/objects.ts'
import { humanDuration, since } from '../../../../src/gateway/kubernetes/table/age.ts'
import { podCells } from '../../../../src/gateway/kubernetes/table/pod-row.ts'
import { rowOf } from '../../../../src/gateway/kubernetes/table/rows.ts'
import t from '../../../support/tap.ts'

const NOW = Date.parse('2026-01-01T01:00:00Z')

t.test('ages are Kubernetes’ own (duration.HumanDuration)', async (t) => {
  for (const [seconds, text] of [
    [-5, '<invalid>'],
    [-0.5, '0s'],
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [125, '2m5s'],
    [599, '9m59s'],
    [600, '10m'],
    [10_799, '179m'],
    [10_800, '3h'],
    [11_000, '3h3m'],
    [28_800, '8h'],
    [172_799, '47h'],
    [172_800, '2d'],
    [180_000, '2d2h'],
    [8 * 86_400, '8d'],
    [730 * 86_400, '2y'],
    [800 * 86_400, '2y70d'],
    [3000 * 86_400, '8y'],
  ] as const) {
    t.equal(humanDuration(seconds), text, `${seconds} s`)
  }
  t.equal(since(null, NOW), '<unknown>')
  t.equal(since('2026-01-01T00:59:00Z', NOW), '60s')
})

const pod = (status: Pod['status'], spec: Partial<Pod['spec']> = {}, metadata: object = {}): Pod => ({
  metadata: { name: 'p', creationTimestamp: '2026-01-01T00:59:00Z', ...metadata },
  spec: { containers: [{ name: 'a' }, { name: 'b' }], ...spec },
  status,
})
const cells = (one: Pod) => podCells(one, NOW).slice(1, 4).join(' | ')

t.test('a pod’s status column follows Kubernetes’ printer', async (t) => {
  const running = { ready: true, state: { running: {} }, restartCount: 0 }
  const ended = (exitCode: number, extra: object = {}) => ({ state: { terminated: { exitCode, ...extra } } })
  for (const [what, one, text] of [
    ['nothing yet', pod({ phase: 'Pending' }), '0/2 | Pending | 0'],
    [
      'gated',
      pod({
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }],
      }),
      '0/2 | SchedulingGated | 0',
    ],
    [
      'running',
      pod({
        phase: 'Running',
        containerStatuses: [
          { name: 'a', ...running },
          { name: 'b', ...running },
        ],
      }),
      '2/2 | Running | 0',
    ],
    [
      'waiting',
      pod({
        phase: 'Pending',
        containerStatuses: [{ name: 'a', state: { waiting: { reason: 'ImagePullBackOff' } } }],
      }),
      '0/2 | ImagePullBackOff | 0',
    ],
    [
      'exit code',
      pod({ phase: 'Failed', containerStatuses: [{ name: 'a', ...ended(3) }] }),
      '0/2 | ExitCode:3 | 0',
    ],
    [
      'signal',
      pod({ phase: 'Failed', containerStatuses: [{ name: 'a', ...ended(137, { signal: 9 }) }] }),
      '0/2 | Signal:9 | 0',
    ],
    ['evicted', pod({ phase: 'Failed', reason: 'Evicted' }), '0/2 | Evicted | 0'],
    [
      'one completed, one runs and is not ready',
      pod({
        phase: 'Running',
        containerStatuses: [
          { name: 'a', ...ended(0, { reason: 'Completed' }) },
          { name: 'b', ...running },
        ],
      }),
      '1/2 | NotReady | 0',
    ],
    [
      'terminating',
      pod({ phase: 'Running' }, {}, { deletionTimestamp: '2026-01-01T00:59:30Z' }),
      '0/2 | Terminating | 0',
    ],
    [
      'lost',
      pod({ phase: 'Running', reason: 'NodeLost' }, {}, { deletionTimestamp: 'x' }),
      '0/2 | Unknown | 0',
    ],
    [
      'init under way',
      pod(
        {
          phase: 'Pending',
          initContainerStatuses: [
            { name: 'i', ...ended(0) },
            { name: 'j', state: { running: {} } },
          ],
        },
        { initContainers: [{ name: 'i' }, { name: 'j' }] },
      ),
      '0/2 | Init:1/2 | 0',
    ],
    [
      'init failed',
      pod(
        {
          phase: 'Pending',
          initContainerStatuses: [{ name: 'i', ...ended(1, { reason: 'Error' }), restartCount: 2 }],
        },
        { initContainers: [{ name: 'i' }] },
      ),
      '0/2 | Init:Error | 2',
    ],
    [
      'sidecar counts',
      pod(
        {
          phase: 'Running',
          initContainerStatuses: [{ name: 's', started: true, ready: true, state: { running: {} } }],
          containerStatuses: [
            { name: 'a', ...running },
            { name: 'b', ...running },
          ],
        },
        { initContainers: [{ name: 's', restartPolicy: 'Always' }] },
      ),
      '3/3 | Running | 0',
    ],
    [
      'restarts',
      pod({
        phase: 'Running',
        containerStatuses: [
          {
            name: 'a',
            ...running,
            restartCount: 3,
            lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:55:00Z' } },
          },
        ],
      }),
      '1/2 | Running | 3 (5m ago)',
    ],
  ] as const) {
    t.equal(cells(one), text, what)
  }
})

t.test('rows of the other kinds', async (t) => {
  const metadata = { name: 'x', creationTimestamp: '2026-01-01T00:59:00Z' }
  t.same(rowOf('ConfigMap', { metadata, data: { a: '1' }, binaryData: { b: '2' } }, 'None', NOW).cells, [
    'x',
    '2',
    '60s',
  ])
  t.same(rowOf('Secret', { metadata, type: 'T', data: { a: '1' } }, 'None', NOW).cells, [
    'x',
    'T',
    '1',
    '60s',
  ])
  t.same(rowOf('Namespace', { metadata, status: { phase: 'Active' } }, 'None', NOW).cells, [
    'x',
    'Active',
    '60s',
  ])
  const event = {
    metadata,
    reason: 'R',
    type: 'Normal',
    note: ' n ',
    regarding: { kind: 'Pod', name: 'p' },
    deprecatedCount: 4,
  }
  t.same(rowOf('Event', event, 'None', NOW).cells, [
    '<unknown>',
    'Normal',
    'R',
    'pod/p',
    '',
    '',
    'n',
    '<unknown>',
    '4',
    'x',
  ])
})
