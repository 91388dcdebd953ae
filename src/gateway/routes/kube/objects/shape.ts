import type { FieldFault } from '../../../../protocol/errors/index.ts'
import { isRecord, type KubeObject } from '../../../kubernetes/objects.ts'

/** Fields of a pod's spec that the mapping goes through, all lists of objects with names. */
const namedLists = ['containers', 'initContainers', 'ephemeralContainers', 'volumes'] as const

/**
 * Faults of the shapes that the mapping relies on: maps of strings in metadata, lists of named objects in a pod's
 * spec. Everything else is the data plane's to validate, which gets it as it came. `partial` objects (apply
 * configurations) may leave out what is required.
 */
export function shapeFaults(object: KubeObject, partial = false): FieldFault[] {
  const faults: FieldFault[] = []
  const { labels, annotations, ownerReferences, finalizers } = object.metadata ?? {}
  for (const [field, map] of Object.entries({ labels, annotations })) {
    if (map !== undefined && map !== null && !isStringMap(map))
      faults.push(wrong(`metadata.${field}`, 'a map of strings'))
  }
  for (const [field, list] of Object.entries({ ownerReferences, finalizers })) {
    if (list !== undefined && list !== null && !Array.isArray(list))
      faults.push(wrong(`metadata.${field}`, 'a list'))
  }
  return object.kind === 'Pod' ? [...faults, ...podShapeFaults(object.spec, partial)] : faults
}

function podShapeFaults(spec: unknown, partial: boolean): FieldFault[] {
  if (partial && (spec === undefined || spec === null)) return []
  if (!isRecord(spec)) return [{ field: 'spec', reason: 'FieldValueRequired', message: 'a pod needs a spec' }]
  if (!partial && !spec.containers) {
    return [{ field: 'spec.containers', reason: 'FieldValueRequired', message: 'a pod needs a container' }]
  }
  return namedLists
    .filter((field) => spec[field] !== undefined && spec[field] !== null && !isNamedList(spec[field]))
    .map((field) => wrong(`spec.${field}`, 'a list of objects with names'))
}

function isStringMap(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every((one) => typeof one === 'string')
}

function isNamedList(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => isRecord(one) && typeof one.name === 'string')
}

function wrong(field: string, what: string): FieldFault {
  return { field, reason: 'FieldValueTypeInvalid', message: `must be ${what}` }
}
