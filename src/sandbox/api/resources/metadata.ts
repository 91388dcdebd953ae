import type { FieldFault } from '../../../protocol/errors/index.ts'
import type { ObjectMeta } from '../../store/index.ts'
import type { ResourceDefinition } from './definition.ts'
import { invalid, required } from './faults.ts'

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const QUALIFIED = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/
/** Of all annotations of one object together, in bytes. */
const ANNOTATIONS_MAX = 256 * 1024

const SUBDOMAIN_TEXT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

const STANDARD_FINALIZERS = new Set(['orphan', 'foregroundDeletion', 'kubernetes'])
const QUALIFIED_TEXT =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const VALUE_TEXT =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

/** Whether a new object may have this name. */
export function nameFaults(definition: ResourceDefinition, name: string | undefined): FieldFault[] {
  const field = 'metadata.name'
  if (!name) return [required(field, 'name or generateName is required')]
  if (definition.names === 'segment') {
    const bad = name === '.' || name === '..' || /[/%]/.test(name)
    return bad ? [invalid(field, name, "may not be '.' or '..' and may not contain '/' or '%'")] : []
  }
  if (definition.names === 'label') return LABEL.test(name) ? [] : [invalid(field, name, LABEL_TEXT)]
  if (name.length > 253) return [invalid(field, name, 'must be no more than 253 characters')]
  return SUBDOMAIN.test(name) ? [] : [invalid(field, name, SUBDOMAIN_TEXT)]
}

/** Faults of labels, annotations, finalizers and owner references. */
export function metadataFaults(metadata: Partial<ObjectMeta>): FieldFault[] {
  const faults: FieldFault[] = []
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (!QUALIFIED.test(key)) faults.push(invalid('metadata.labels', key, QUALIFIED_TEXT))
    if (typeof value !== 'string' || !VALUE.test(value)) {
      faults.push(invalid('metadata.labels', value, VALUE_TEXT))
    }
  }
  let size = 0
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    if (!QUALIFIED.test(key.toLowerCase())) {
      faults.push(invalid('metadata.annotations', key, QUALIFIED_TEXT))
    }
    if (typeof value !== 'string') faults.push(invalid('metadata.annotations', value, 'must be a string'))
    else size += Buffer.byteLength(key) + Buffer.byteLength(value)
  }
  if (size > ANNOTATIONS_MAX) {
    const message = 'Too long: may not be more than 262144 bytes'
    faults.push({ field: 'metadata.annotations', reason: 'FieldValueTooLong', message })
  }
  for (const [index, finalizer] of (metadata.finalizers ?? []).entries()) {
    if (finalizer.includes('/') || STANDARD_FINALIZERS.has(finalizer)) continue
    const text = 'name is neither a standard finalizer name nor is it fully qualified'
    faults.push(invalid(`metadata.finalizers[${index}]`, finalizer, text))
  }
  for (const reference of metadata.ownerReferences ?? []) {
    for (const key of ['apiVersion', 'kind', 'name', 'uid'] as const) {
      const text = key === 'apiVersion' ? 'version must not be empty' : 'must not be empty'
      if (!reference[key]) faults.push(invalid(`metadata.ownerReferences.${key}`, '', text))
    }
  }
  return faults
}
