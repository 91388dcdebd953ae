import type { Outcomes } from './report.ts'

/** Why a test does not pass on the virtual node, and whether it ever can. */
export interface Exception {
  reason: string
  ever: 'by nature not' | 'yes'
}

/** Outcomes of one run, as they are kept in `results/`. */
export interface StoredRun {
  /** The suite's version, also that of the clusters. */
  version: string
  /** What the machine was and did meanwhile. */
  conditions: string
  /** Day of the run, `2026-01-31`. */
  date: string
  outcomes: Outcomes
}

export interface Verdict {
  /** Passed on the real node, and have to on the virtual one. */
  owed: number
  /** Of those, the ones that did. */
  kept: number
  /** Of those, the ones that did not and are named with a reason. */
  excepted: string[]
  /** Of those, the ones that did not and are not: these make the run fail. */
  broken: string[]
  /** Named as exceptions, and passed: the list is out of date, which fails the run as well. */
  outdated: string[]
}

/**
 * The goal: whatever passes on the real node passes on the virtual one, but for a named list. A test that the
 * real node fails is nobody's debt; one that only one of both runs has seen is not compared.
 */
export function judge(
  base: Outcomes,
  virtual: Outcomes,
  exceptions: Readonly<Record<string, Exception>>,
): Verdict {
  const owed = Object.keys(virtual).filter((name) => base[name]?.passed)
  const missed = owed.filter((name) => !virtual[name]?.passed)
  return {
    owed: owed.length,
    kept: owed.length - missed.length,
    excepted: missed.filter((name) => name in exceptions),
    broken: missed.filter((name) => !(name in exceptions)),
    outdated: Object.keys(exceptions).filter((name) => virtual[name]?.passed),
  }
}
