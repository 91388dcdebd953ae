import type { IsthmusError } from './error.ts'

/** metav1.Status as far as Isthmus writes and reads it. */
export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: { continue?: string }
  status: 'Success' | 'Failure'
  message?: string
  reason?: string
  details?: {
    name?: string
    group?: string
    kind?: string
    uid?: string
    causes?: { reason?: string; message?: string; field?: string }[]
    retryAfterSeconds?: number
  }
  code?: number
}

/** Renders an error for the Kubernetes face. */
export function toStatus(error: IsthmusError): Status {
  const { causes, kind, group, name, uid, retryAfterSeconds } = error.details
  const details = { name, group, kind, uid, causes, retryAfterSeconds }
  const used = Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined))
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: error.message,
    reason: error.entry.reason,
    ...(Object.keys(used).length > 0 ? { details: used } : {}),
    code: error.status,
  }
}
