import { isDnsSubdomain } from '../names.ts'

const name = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/

/** Whether this is a qualified name: `name` or `dns.prefix/name`, as keys of labels and annotations are. */
export function isQualifiedName(value: string): boolean {
  const slash = value.indexOf('/')
  if (slash === -1) return name.test(value)
  return isDnsSubdomain(value.slice(0, slash)) && name.test(value.slice(slash + 1))
}

/** Whether this can be a label's value: empty, or up to 63 characters. */
export function isLabelValue(value: string): boolean {
  return value === '' || name.test(value)
}
