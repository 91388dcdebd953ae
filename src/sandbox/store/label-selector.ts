import { IsthmusError } from '../../protocol/errors/index.ts'

/** One requirement of a label selector. */
interface Requirement {
  key: string
  operator: 'in' | 'notin' | 'exists' | 'absent' | 'gt' | 'lt'
  values: string[]
}

export type LabelMatcher = (labels: Record<string, string> | undefined) => boolean

const QUALIFIED = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/

/** Parses Kubernetes' label selector syntax (apimachinery labels.Parse). @throws bad_request. */
export function parseLabelSelector(text: string | undefined): LabelMatcher | undefined {
  if (!text?.trim()) return undefined
  const requirements = splitOutsideParentheses(text).map((part) => parseRequirement(part.trim(), text))
  return (labels) => requirements.every((requirement) => holds(requirement, labels ?? {}))
}

function splitOutsideParentheses(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++
    else if (text[i] === ')') depth--
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i))
      start = i + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}

function parseRequirement(part: string, whole: string): Requirement {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part)
  if (set) {
    const values = set[3]!.split(',').map((value) => value.trim())
    return checked({ key: set[1]!, operator: set[2] as 'in' | 'notin', values }, whole)
  }
  const binary = /^([^=!<>\s]+)\s*(==|=|!=|>|<)\s*(\S*)$/.exec(part)
  if (binary) {
    const operator = ({ '==': 'in', '=': 'in', '!=': 'notin', '>': 'gt', '<': 'lt' } as const)[
      binary[2] as '='
    ]
    return checked({ key: binary[1]!, operator, values: [binary[3]!] }, whole)
  }
  const unary = /^(!?)\s*([^=!<>\s,()]+)$/.exec(part)
  if (unary) return checked({ key: unary[2]!, operator: unary[1] ? 'absent' : 'exists', values: [] }, whole)
  throw unparsable(whole)
}

function checked(requirement: Requirement, whole: string): Requirement {
  if (!QUALIFIED.test(requirement.key)) throw unparsable(whole)
  const numeric = requirement.operator === 'gt' || requirement.operator === 'lt'
  if (!requirement.values.every((value) => (numeric ? /^-?\d+$/ : VALUE).test(value))) throw unparsable(whole)
  return requirement
}

function unparsable(text: string): IsthmusError {
  return new IsthmusError(
    'bad_request',
    `unable to parse requirement: invalid label selector ${JSON.stringify(text)}`,
  )
}

function holds({ key, operator, values }: Requirement, labels: Record<string, string>): boolean {
  const present = Object.hasOwn(labels, key)
  const value = labels[key] ?? ''
  switch (operator) {
    case 'exists':
      return present
    case 'absent':
      return !present
    case 'in':
      return present && values.includes(value)
    case 'notin':
      return !present || !values.includes(value)
    case 'gt':
      return present && /^-?\d+$/.test(value) && BigInt(value) > BigInt(values[0]!)
    case 'lt':
      return present && /^-?\d+$/.test(value) && BigInt(value) < BigInt(values[0]!)
  }
}

/** metav1.LabelSelector (of a Deployment, ReplicaSet…) as a matcher; an empty one matches everything, none nothing. */
export function matchLabelSelector(
  selector:
    | {
        matchLabels?: Record<string, string>
        matchExpressions?: { key: string; operator: string; values?: string[] }[]
      }
    | undefined,
): LabelMatcher {
  if (!selector) return () => false
  const operators = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: 'absent' } as const
  const requirements: Requirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: 'in',
    values: [value],
  }))
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    requirements.push({ key, operator: operators[operator as 'In'] ?? 'in', values: values ?? [] })
  }
  return (labels) => requirements.every((requirement) => holds(requirement, labels ?? {}))
}
