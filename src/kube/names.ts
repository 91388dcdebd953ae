import { IsthmusError } from '../protocol/errors/index.ts'

declare const brand: unique symbol

/** A string that passed the check of its kind; the parse functions below are the only way to get one. */
type Name<Kind extends string> = string & { readonly [brand]: Kind }

/** DNS-1123 subdomain, up to 253 characters. */
export type PodName = Name<'pod'>
/** DNS-1123 label, up to 63 characters. */
export type NamespaceName = Name<'namespace'>
/** DNS-1123 label, up to 63 characters. */
export type ContainerName = Name<'container'>
/** DNS-1123 subdomain: ConfigMaps, Secrets, Events, Leases and most others. */
export type ObjectName = Name<'object'>
/** DNS-1123 subdomain, up to 253 characters. */
export type NodeName = Name<'node'>

/** `invalid` (422) for a field of a body, `bad_request` (400) for a part of a path or query. */
export type NameFaultCode = 'bad_request' | 'invalid'

const LABEL_MAX = 63
const SUBDOMAIN_MAX = 253
// Full match: in JavaScript `$` without the m flag is the very end, also before a newline.
const label = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/
const subdomain = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/

// The texts are those of k8s.io/apimachinery's validation package, since clients show them.
const LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
const SUBDOMAIN_TEXT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"

/** Whether this is a DNS-1123 label: 1 to 63 characters. */
export function isDnsLabel(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LABEL_MAX && label.test(value)
}

/** Whether this is a DNS-1123 subdomain: 1 to 253 characters. */
export function isDnsSubdomain(value: unknown): value is string {
  return typeof value === 'string' && value.length <= SUBDOMAIN_MAX && subdomain.test(value)
}

interface Rule {
  test: (value: unknown) => value is string
  text: string
  max: number
}

const labelRule: Rule = { test: isDnsLabel, text: LABEL_TEXT, max: LABEL_MAX }
const subdomainRule: Rule = { test: isDnsSubdomain, text: SUBDOMAIN_TEXT, max: SUBDOMAIN_MAX }

function parser<T extends string>(rule: Rule, defaultField: string) {
  return (value: unknown, field = defaultField, code: NameFaultCode = 'bad_request'): T => {
    if (rule.test(value)) return value as T
    const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, rule.max)) : typeof value
    const text =
      typeof value === 'string' && value.length > rule.max
        ? `must be no more than ${rule.max} characters`
        : rule.text
    const message = `Invalid value: ${shown}: ${text}`
    throw new IsthmusError(code, `${field}: ${message}`, {
      causes: [{ field, reason: 'FieldValueInvalid', message }],
    })
  }
}

/**
 * The names' only constructors: the whole string is checked, so that `''`, `.`, `..`, `../x`, `%2e` or a NUL
 * never reach a URL (gateways-and-threats.md §0: what client-node makes of them).
 * @throws IsthmusError `bad_request`, or `invalid` when told so, naming the field.
 */
export const parsePodName = parser<PodName>(subdomainRule, 'metadata.name')
export const parseNamespaceName = parser<NamespaceName>(labelRule, 'metadata.namespace')
export const parseContainerName = parser<ContainerName>(labelRule, 'container')
export const parseObjectName = parser<ObjectName>(subdomainRule, 'metadata.name')
export const parseNodeName = parser<NodeName>(subdomainRule, 'spec.nodeName')
