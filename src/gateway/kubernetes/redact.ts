import { isRecord } from './objects.ts'
import { type TenantView, virtualNamespace } from './view.ts'

/** How a physical namespace looks; whether it is one, the directory says. */
const candidate = /t-[a-z2-7]{26}/g
const anyCandidate = /t-[a-z2-7]{26}/

/** Whether a text has anything in it that looks like a physical namespace, which the directory may know later. */
export const mayMention = (text: string): boolean => anyCandidate.test(text)

/**
 * Rule 20's last wall: replaces physical namespace names in a text, and counts each, since everything before this
 * should have removed them. A name of the view's own node becomes the tenant's name, any other `[namespace]`.
 */
export function redactText(view: TenantView, text: string, where: string): string {
  if (!anyCandidate.test(text)) return text
  return text.replace(candidate, (name) => {
    if (!view.isPhysicalName(name)) return name
    view.onLeak?.(where)
    return virtualNamespace(view, name) ?? '[namespace]'
  })
}

/** The same for every string in a JSON value, keys included. The value itself is given back when nothing is found. */
export function redactValue<T>(view: TenantView, value: T, where: string): T {
  if (!mentions(value)) return value
  return redact(view, value, where) as T
}

function mentions(value: unknown): boolean {
  if (typeof value === 'string') return anyCandidate.test(value)
  if (Array.isArray(value)) return value.some(mentions)
  if (!isRecord(value)) return false
  for (const key in value) if (anyCandidate.test(key) || mentions(value[key])) return true
  return false
}

function redact(view: TenantView, value: unknown, where: string): unknown {
  if (typeof value === 'string') return redactText(view, value, where)
  if (Array.isArray(value)) return value.map((inner) => redact(view, inner, where))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      redactText(view, key, where),
      redact(view, inner, `${where}.${key}`),
    ]),
  )
}
