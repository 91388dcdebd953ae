import { isDeepStrictEqual } from 'node:util'
import { type FieldShape, shapeOf } from '../../kube/schema/index.ts'
import type { FieldFault } from '../../protocol/errors/index.ts'
import { type Rule, type TypeRules, WHOLE } from './rule.ts'

/** The judge's state through one walk. */
interface Judgement {
  rules: Readonly<Record<string, TypeRules>>
  faults: FieldFault[]
}

type Fields = Record<string, unknown>

/**
 * Judges what a write changes of an object of `type`: every field that is not the same in `before` and `after`,
 * removals too (kubernetes-face.md 15: an allow-list of the whole would refuse every update, since the data plane
 * adds fields of its own). On create `before` is undefined, so that everything is a change. Lists with a key are
 * compared by it, others element by element.
 */
export function judgeChange(
  rules: Readonly<Record<string, TypeRules>>,
  type: string,
  path: string,
  before: unknown,
  after: unknown,
): FieldFault[] {
  const judgement: Judgement = { rules, faults: [] }
  judgeObject(judgement, type, path, before, after)
  return judgement.faults
}

function judgeObject(
  judgement: Judgement,
  type: string,
  path: string,
  before: unknown,
  after: unknown,
): void {
  const old = asFields(before)
  const now = asFields(after)
  if (isDeepStrictEqual(old, now)) return
  const whole = judgement.rules[type]?.[WHOLE]
  const why = whole === undefined ? undefined : verdict(whole, before, after)
  if (why !== undefined) judgement.faults.push(forbidden(path, why))
  for (const field of new Set([...Object.keys(old), ...Object.keys(now)])) {
    if (isDeepStrictEqual(old[field], now[field]) || isEmpty(old[field], now[field])) continue
    judgeField(judgement, type, field, path === '' ? field : `${path}.${field}`, old[field], now[field])
  }
}

/** Absent, null and empty are the same to Kubernetes: a change between them is none. */
function isEmpty(before: unknown, after: unknown): boolean {
  return isNothing(before) && isNothing(after)
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

function judgeField(
  judgement: Judgement,
  type: string,
  field: string,
  path: string,
  before: unknown,
  after: unknown,
): void {
  const shape = shapeOf(type, field)
  const typeRules = judgement.rules[type]
  const rule = typeRules !== undefined && Object.hasOwn(typeRules, field) ? typeRules[field] : undefined
  if (shape === undefined || rule === undefined) {
    judgement.faults.push(forbidden(path, 'not served'))
    return
  }
  const why = verdict(rule, before, after)
  if (why !== undefined) judgement.faults.push(forbidden(path, why))
  else if (rule === 'allow' && shape.type !== undefined) descend(judgement, shape, path, before, after)
}

/** A value that may not be set may not be taken away either: it is the data plane's. */
function verdict(rule: Rule, before: unknown, after: unknown): string | undefined {
  if (rule === 'allow') return undefined
  if (typeof rule !== 'function') return rule.refuse
  return (isNothing(after) ? undefined : rule(after)) ?? (isNothing(before) ? undefined : rule(before))
}

function descend(
  judgement: Judgement,
  shape: FieldShape,
  path: string,
  before: unknown,
  after: unknown,
): void {
  const type = shape.type
  if (type === undefined) return
  if (shape.container === 'none') judgeObject(judgement, type, path, before, after)
  else if (shape.container === 'map') judgeMap(judgement, type, path, asFields(before), asFields(after))
  else if (shape.keys === undefined) judgeAtomicList(judgement, type, path, asList(before), asList(after))
  else judgeKeyedList(judgement, type, shape.keys, path, asList(before), asList(after))
}

function judgeMap(judgement: Judgement, type: string, path: string, before: Fields, after: Fields): void {
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    judgeObject(judgement, type, `${path}[${key}]`, before[key], after[key])
  }
}

/** Elements that are on both sides, wherever they stand, are no change. */
function judgeAtomicList(
  judgement: Judgement,
  type: string,
  path: string,
  before: unknown[],
  after: unknown[],
): void {
  const old = before.map(canonical)
  const now = after.map(canonical)
  const [wasThere, isThere] = [new Set(old), new Set(now)]
  for (const [index, element] of after.entries()) {
    if (!wasThere.has(now[index]!)) judgeObject(judgement, type, `${path}[${index}]`, undefined, element)
  }
  for (const [index, element] of before.entries()) {
    if (!isThere.has(old[index]!)) judgeObject(judgement, type, `${path}[removed]`, element, undefined)
  }
}

/**
 * A JSON value as text, the same whatever the order of its fields. Comparing each element with each other one took
 * minutes for two lists of 15,000, and the event loop with them.
 */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

function judgeKeyedList(
  judgement: Judgement,
  type: string,
  keys: readonly string[],
  path: string,
  before: unknown[],
  after: unknown[],
): void {
  const keyOf = (element: unknown) => JSON.stringify(keys.map((key) => asFields(element)[key] ?? null))
  const old = new Map(before.map((element) => [keyOf(element), element]))
  const seen = new Set<string>()
  for (const [index, element] of after.entries()) {
    const key = keyOf(element)
    // The second element with a key has no partner before: it is judged whole, so that nothing hides behind the first.
    judgeObject(judgement, type, `${path}[${index}]`, seen.has(key) ? undefined : old.get(key), element)
    seen.add(key)
  }
  for (const [key, element] of old) {
    if (!seen.has(key)) judgeObject(judgement, type, `${path}[removed]`, element, undefined)
  }
}

function forbidden(field: string, message: string): FieldFault {
  return { field, reason: 'FieldValueForbidden', message }
}

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
