import { isDeepStrictEqual } from 'node:util'
import type { FieldFault } from '../../protocol/errors/index.ts'
import { type ReservedKey, reservedReason } from './reserved-keys.ts'

type StringMap = Readonly<Record<string, string>>

/** Keys that belong to the gateway alone (design.md §1). */
const GATEWAY_PREFIX = 'isthmus.dev/'

interface Metadata {
  labels?: StringMap | null
  annotations?: StringMap | null
  finalizers?: readonly string[] | null
}

/**
 * Judges what a write changes in labels, annotations and finalizers of an object of any kind; `reserved` are keys
 * that the operator reserves beside those of the table.
 */
export function judgeMetadata(
  before: Metadata | undefined,
  after: Metadata | undefined,
  reserved?: readonly ReservedKey[],
): FieldFault[] {
  return [
    ...judgeKeys('metadata.labels', before?.labels ?? {}, after?.labels ?? {}, reserved),
    ...judgeKeys('metadata.annotations', before?.annotations ?? {}, after?.annotations ?? {}, reserved),
    ...judgeFinalizers(before?.finalizers ?? [], after?.finalizers ?? []),
  ]
}

function judgeKeys(
  path: string,
  before: StringMap,
  after: StringMap,
  reserved: readonly ReservedKey[] | undefined,
): FieldFault[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys]
    .filter((key) => before[key] !== after[key])
    .flatMap((key) => {
      const message = refusedKey(key, reserved)
      return message === undefined
        ? []
        : [{ field: `${path}[${key}]`, reason: 'FieldValueForbidden', message }]
    })
}

function refusedKey(key: string, reserved: readonly ReservedKey[] | undefined): string | undefined {
  return key.startsWith(GATEWAY_PREFIX)
    ? 'isthmus.dev/ belongs to the gateway'
    : reservedReason(key, reserved)
}

/** A finalizer blocks deletion in the data plane for ever, since nobody there knows its controller (rule 17). */
function judgeFinalizers(before: readonly string[], after: readonly string[]): FieldFault[] {
  if (isDeepStrictEqual(before, after)) return []
  const message = 'finalizers stay in the cluster whose controllers know them'
  return [{ field: 'metadata.finalizers', reason: 'FieldValueForbidden', message }]
}
