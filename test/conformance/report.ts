/** What became of one test. */
export interface Outcome {
  passed: boolean
  seconds: number
  /** The first line of what a failed one says, without what differs from run to run. */
  failure?: string
}

/** Outcomes by the test's name as upstream's conformance list has it, without labels; sorted by it. */
export type Outcomes = Record<string, Outcome>

/** The parts of ginkgo's JSON report that are read. */
interface Report {
  SpecReports?: Spec[]
  SpecialSuiteFailureReasons?: string[]
}

interface Spec {
  ContainerHierarchyTexts: string[] | null
  LeafNodeType: string
  LeafNodeText: string
  State: string
  /** Nanoseconds. */
  RunTime: number
  Failure?: { Message?: string }
}

/**
 * Reads ginkgo's report (`--json-report`).
 * @throws when the suite itself failed, before any test
 */
export function outcomesOf(reports: Report[]): Outcomes {
  const outcomes: [string, Outcome][] = []
  for (const report of reports) {
    for (const spec of report.SpecReports ?? []) {
      const failed = spec.State !== 'passed' && spec.State !== 'skipped' && spec.State !== 'pending'
      if (spec.LeafNodeType !== 'It') {
        if (failed) throw new Error(`${spec.LeafNodeType}: ${spec.Failure?.Message ?? spec.State}`)
        continue
      }
      if (!failed && spec.State !== 'passed') continue
      outcomes.push([nameOf(spec), outcomeOf(spec)])
    }
  }
  if (outcomes.length === 0) throw new Error('no test was run')
  return Object.fromEntries(outcomes.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** `[sig-node] Pods should be updated`: labels in brackets at the end say nothing here. */
function nameOf(spec: Spec): string {
  const text = [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText].join(' ')
  return text
    .replace(
      /(?:\s*\[(?:NodeConformance|Conformance|LinuxOnly|Serial|Slow|Disruptive|(?:Environment|Feature|MinimumKubeletVersion):[^\]]*)\])+/g,
      '',
    )
    .trim()
}

function outcomeOf(spec: Spec): Outcome {
  const seconds = Math.round(spec.RunTime / 1e8) / 10
  if (spec.State === 'passed') return { passed: true, seconds }
  const line =
    (spec.Failure?.Message ?? spec.State).split('\n').find((each) => each.trim() !== '') ?? spec.State
  return { passed: false, seconds, failure: line.trim().slice(0, 300) }
}
