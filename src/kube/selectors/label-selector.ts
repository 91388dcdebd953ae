import { IsthmusError } from '../../protocol/errors/index.ts'
import { isLabelValue, isQualifiedName } from './label-names.ts'

export type LabelOperator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt'

export interface LabelRequirement {
  key: string
  operator: LabelOperator
  /** Sorted and without repetition; one for Gt and Lt, none for Exists and DoesNotExist. */
  values: readonly string[]
}

/** All requirements must hold; none at all selects everything. */
export type LabelSelector = readonly LabelRequirement[]

const LENGTH_MAX = 16 * 1024
// Operators and brackets, or a run of anything else: apimachinery's lexer.
const token = /\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)/y

interface Reader {
  /** The next token, undefined at the end. */
  peek(): string | undefined
  next(): string | undefined
  fail(why: string): IsthmusError
}

function createReader(text: string, field: string): Reader {
  const fail = (why: string) =>
    new IsthmusError('bad_request', `unable to parse ${field}: ${why}`, {
      causes: [{ field, reason: 'FieldValueInvalid', message: why }],
    })
  if (text.length > LENGTH_MAX) throw fail(`must be no more than ${LENGTH_MAX} characters`)
  const tokens: string[] = []
  const trimmed = text.trimEnd()
  token.lastIndex = 0
  while (token.lastIndex < trimmed.length) {
    const match = token.exec(trimmed)
    if (!match) throw fail('unexpected character')
    tokens.push(match[1]!)
  }
  let at = 0
  return { peek: () => tokens[at], next: () => tokens[at++], fail }
}

const isWord = (text: string | undefined): text is string => text !== undefined && !/^[=!(),<>]/.test(text)

/**
 * Reads a label selector as API servers do (apimachinery labels.Parse): `a=b`, `a!=b`, `a in (b,c)`,
 * `a notin (b)`, `a`, `!a`, `a>1`. It is never passed on as it came, but written anew by formatLabelSelector
 * (kubernetes-face.md 11).
 * @throws IsthmusError bad_request
 */
export function parseLabelSelector(text: string, field = 'labelSelector'): LabelSelector {
  const reader = createReader(text, field)
  const requirements: LabelRequirement[] = []
  if (reader.peek() === undefined) return requirements
  for (;;) {
    requirements.push(parseRequirement(reader))
    const separator = reader.next()
    if (separator === undefined) return requirements
    if (separator !== ',') throw reader.fail(`found '${separator}', expected: ',' or the end`)
  }
}

function parseRequirement(reader: Reader): LabelRequirement {
  const negated = reader.peek() === '!'
  if (negated) reader.next()
  const key = reader.next()
  if (!isWord(key)) throw reader.fail(`found '${key ?? ''}', expected: a key`)
  const following = reader.peek()
  if (negated) return makeRequirement(reader.fail, key, 'DoesNotExist', [])
  if (following === undefined || following === ',') return makeRequirement(reader.fail, key, 'Exists', [])
  const operator = reader.next()
  switch (operator) {
    case '=':
    case '==':
      return makeRequirement(reader.fail, key, 'In', [parseValue(reader)])
    case '!=':
      return makeRequirement(reader.fail, key, 'NotIn', [parseValue(reader)])
    case '>':
      return makeRequirement(reader.fail, key, 'Gt', [parseValue(reader)])
    case '<':
      return makeRequirement(reader.fail, key, 'Lt', [parseValue(reader)])
    case 'in':
      return makeRequirement(reader.fail, key, 'In', parseSet(reader))
    case 'notin':
      return makeRequirement(reader.fail, key, 'NotIn', parseSet(reader))
    default:
      throw reader.fail(`found '${operator}', expected: in, notin, =, ==, !=, >, <`)
  }
}

/** A value, which may be missing: `a=` asks for the empty one. */
function parseValue(reader: Reader): string {
  return isWord(reader.peek()) ? reader.next()! : ''
}

function parseSet(reader: Reader): string[] {
  if (reader.next() !== '(') throw reader.fail("expected: '('")
  const values: string[] = []
  for (;;) {
    values.push(parseValue(reader))
    const separator = reader.next()
    if (separator === ')') return values
    if (separator !== ',') throw reader.fail(`found '${separator ?? ''}', expected: ',' or ')'`)
  }
}

/** A requirement whose key and values are checked. @param fail makes the error to throw */
export function makeRequirement(
  fail: (why: string) => IsthmusError,
  key: string,
  operator: LabelOperator,
  values: readonly string[],
): LabelRequirement {
  if (!isQualifiedName(key)) throw fail(`the key '${key}' is no qualified name`)
  for (const value of values) {
    const number = operator === 'Gt' || operator === 'Lt'
    if (number ? !/^-?\d{1,18}$/.test(value) : !isLabelValue(value)) {
      throw fail(`the value '${value}' of '${key}' is not allowed`)
    }
  }
  return { key, operator, values: [...new Set(values)].sort() }
}

/** Writes a selector anew; parsed again it is the same. */
export function formatLabelSelector(selector: LabelSelector): string {
  return selector.map(formatRequirement).join(',')
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'Exists':
      return key
    case 'DoesNotExist':
      return `!${key}`
    case 'Gt':
      return `${key}>${values[0]}`
    case 'Lt':
      return `${key}<${values[0]}`
    case 'In':
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(',')})`
    case 'NotIn':
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${values.join(',')})`
  }
}

/** Whether these labels are selected. A missing label satisfies NotIn and `!=`, as in Kubernetes. */
export function matchesLabels(
  selector: LabelSelector,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  return selector.every((requirement) =>
    matchesValue(
      requirement,
      labels && Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined,
    ),
  )
}

/**
 * Whether one requirement holds for a value, undefined where there is none. Also for what nobody has checked (a node's
 * affinity): an operator that there is not, and a number that is none, hold for nothing.
 */
export function matchesValue(
  { operator, values = [] }: { operator: string; values?: readonly string[] },
  value: string | undefined,
): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
    case 'Lt': {
      const [bound] = values
      if (value === undefined || bound === undefined || values.length !== 1) return false
      if (!INTEGER.test(value) || !INTEGER.test(bound)) return false
      const [left, right] = [BigInt(value.replace('+', '')), BigInt(bound.replace('+', ''))]
      return operator === 'Gt' ? left > right : left < right
    }
    default:
      return false
  }
}

/** As strconv.ParseInt takes it, but for the last digit of its range. */
const INTEGER = /^[+-]?\d{1,18}$/
