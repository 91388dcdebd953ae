import { shapeOf } from './schema.ts'

type Path = string

/**
 * The paths of the fields that Kubernetes' schema does not know, in the order of the object, such as
 * `spec.containers[0].imagee`. `type` is a kind of the schema (`Pod`, `ConfigMap`, `Eviction`, …).
 * At most `limit` are told. Source: kubernetes-face.md 6a.
 */
export function findUnknownFields(type: string, value: unknown, limit = 100): Path[] {
  const found: Path[] = []
  walk(type, value, '', (path) => {
    if (found.length < limit) found.push(path)
    return false
  })
  return found
}

/** A copy of the object without the fields that the schema does not know. */
export function withoutUnknownFields<T>(type: string, value: T): T {
  return walk(type, value, '', () => false) as T
}

/** Copies the known part; calls `unknown` for each unknown field, which is kept when that returns true. */
function walk(type: string, value: unknown, path: Path, unknown: (path: Path) => boolean): unknown {
  if (!isObject(value)) return value
  const copy: Record<string, unknown> = Object.create(null)
  for (const [field, inner] of Object.entries(value)) {
    const at = path === '' ? field : `${path}.${field}`
    const shape = shapeOf(type, field)
    if (shape === undefined) {
      if (unknown(at)) copy[field] = inner
      continue
    }
    const element = shape.type
    if (element === undefined) copy[field] = inner
    else if (shape.container === 'list' && Array.isArray(inner)) {
      copy[field] = inner.map((item, index) => walk(element, item, `${at}[${index}]`, unknown))
    } else if (shape.container === 'map' && isObject(inner)) {
      copy[field] = Object.fromEntries(
        Object.entries(inner).map(([key, item]) => [key, walk(element, item, `${at}[${key}]`, unknown)]),
      )
    } else copy[field] = walk(element, inner, at, unknown)
  }
  return { ...copy }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
