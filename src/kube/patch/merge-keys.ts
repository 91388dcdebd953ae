import table from './merge-keys.generated.json' with { type: 'json' }

/** How a field is merged (struct tags patchStrategy and patchMergeKey of k8s.io/api). */
export interface FieldRule {
  /** Whether a list's elements are merged; else the list is replaced. */
  merge: boolean
  /** Whether an object is replaced as a whole. */
  replace: boolean
  /** The key by which elements that are objects are found. */
  key: string | undefined
  /** The type of the field, or of a list's elements. */
  type: string | undefined
}

interface Entry {
  s?: string
  k?: string
  t?: string
}

const types: Record<string, Record<string, Entry>> = table.types
const kinds: Record<string, string> = table.kinds
const plain: FieldRule = { merge: false, replace: false, key: undefined, type: undefined }

/** The type behind a kind such as `v1/Pod`; undefined where no strategic merge is known for it. */
export function typeOfKind(kind: string): string | undefined {
  return Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
}

/** How a field of a type is merged; a field that is not known is merged as plain JSON. */
export function ruleFor(type: string | undefined, field: string): FieldRule {
  const entry = type === undefined ? undefined : find(type, field)
  if (!entry) return plain
  const strategies = entry.s?.split(',') ?? []
  return {
    merge: strategies.includes('merge'),
    replace: strategies.includes('replace'),
    key: entry.k,
    type: entry.t,
  }
}

function find(type: string, field: string): Entry | undefined {
  const fields = Object.hasOwn(types, type) ? types[type] : undefined
  if (!fields) return undefined
  if (Object.hasOwn(fields, field) && !field.startsWith('*')) return fields[field]
  for (const [name, entry] of Object.entries(fields)) {
    // `*VolumeSource`: inlined, its fields are the outer object's.
    const inner = name.startsWith('*') && entry.t ? find(entry.t, field) : undefined
    if (inner) return inner
  }
  return undefined
}
