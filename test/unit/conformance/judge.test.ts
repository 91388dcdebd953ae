import { judge } from '../../conformance/judge.ts'
import { outcomesOf } from '../../conformance/report.ts'
import t from '../../support/tap.ts'

const passed = { passed: true, seconds: 1 }
const failed = { passed: false, seconds: 1, failure: 'no' }

t.test('what passes on the real node has to pass on the virtual one, but for what is named', (t) => {
  const base = { a: passed, b: passed, c: passed, d: failed, unseen: passed }
  const virtual = { a: passed, b: failed, c: failed, d: failed }
  const verdict = judge(base, virtual, { c: { reason: 'needs the host', ever: 'by nature not' } })
  t.same(verdict, { owed: 3, kept: 1, excepted: ['c'], broken: ['b'], outdated: [] })
  t.end()
})

t.test('an exception that passes by now is out of date', (t) => {
  const verdict = judge({ a: passed }, { a: passed }, { a: { reason: 'once', ever: 'yes' } })
  t.same(verdict.outdated, ['a'])
  t.end()
})

const spec = (name: string, state: string, more: object = {}) => ({
  ContainerHierarchyTexts: ['[sig-node] Pods', 'in a group [LinuxOnly]'],
  LeafNodeType: 'It',
  LeafNodeText: `${name} [NodeConformance] [Conformance]`,
  State: state,
  RunTime: 1_250_000_000,
  ...more,
})

t.test('a report names tests without their labels, and leaves out those that were not run', (t) => {
  const outcomes = outcomesOf([
    {
      SpecReports: [
        spec('works', 'passed'),
        spec('fails', 'failed', { Failure: { Message: '\nexpected 1\nto equal 2' } }),
        spec('hangs', 'timedout'),
        spec('unfit', 'skipped'),
      ],
    },
  ])
  t.same(Object.keys(outcomes), [
    '[sig-node] Pods in a group fails',
    '[sig-node] Pods in a group hangs',
    '[sig-node] Pods in a group works',
  ])
  t.match(outcomes['[sig-node] Pods in a group fails'], { passed: false, failure: 'expected 1' })
  t.match(outcomes['[sig-node] Pods in a group works'], { passed: true, seconds: 1.3 })
  t.end()
})

t.test('a suite that failed before its tests is an error, not a result', (t) => {
  const before = spec('', 'failed', {
    LeafNodeType: 'SynchronizedBeforeSuite',
    Failure: { Message: 'no nodes' },
  })
  t.throws(() => outcomesOf([{ SpecReports: [before] }]), /no nodes/)
  t.throws(() => outcomesOf([{ SpecReports: [] }]), /no test/)
  t.end()
})
