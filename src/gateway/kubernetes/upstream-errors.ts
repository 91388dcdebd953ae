import { isKubeApiError, type KubeApiError, KubeUnreachableError } from '../../kube/client/types.ts'
import { type FieldFault, IsthmusError } from '../../protocol/errors/index.ts'
import { redactText } from './redact.ts'
import { qualifiedName, type Resource } from './resources.ts'
import type { TenantView } from './view.ts'

/** What the failed request was about, in the tenant's names. */
export interface ErrorSubject {
  resource: Pick<Resource, 'group' | 'name' | 'kind'>
  name?: string
  namespace?: string
}

/**
 * Any failure of a request to the data plane as the tenant may see it (rule 20): upstream's texts stay inside as
 * the cause, the public one is made anew from status, reason and the tenant's own names. Causes of a validation
 * come through, since they speak of fields that the tenant wrote; the last wall goes over them.
 */
export function errorForTenant(view: TenantView, error: unknown, subject: ErrorSubject): IsthmusError {
  if (error instanceof IsthmusError) return error
  if (error instanceof KubeUnreachableError) {
    return new IsthmusError('unavailable', 'The data plane can not be reached at present', {
      cause: error,
      retryAfterSeconds: 1,
    })
  }
  if (!isKubeApiError(error))
    return new IsthmusError('internal', 'An internal error occurred.', { cause: error })
  const details = {
    kind: subject.resource.name,
    group: subject.resource.group || undefined,
    name: subject.name,
    cause: error,
  }
  const quoted = `${qualifiedName(subject.resource)} "${subject.name ?? ''}"`
  switch (error.code) {
    case 400:
      return new IsthmusError('bad_request', badRequestText(error), { cause: error })
    case 403:
      return forbidden(view, error, subject, quoted)
    case 404:
      return new IsthmusError('not_found', `${quoted} not found`, details)
    case 405:
      return new IsthmusError('method_not_allowed', 'The data plane does not serve this', { cause: error })
    case 409:
      return conflict(view, error, quoted, details)
    case 410:
      return new IsthmusError('gone', 'The provided resource version is too old; list again', {
        cause: error,
      })
    case 413:
      return new IsthmusError('payload_too_large', 'The object is too large', { cause: error })
    case 422: {
      const causes = causesOf(view, error)
      const text = causes.map((cause) => `${cause.field}: ${cause.message}`).join(', ')
      const kind = `${subject.resource.kind}${subject.resource.group ? `.${subject.resource.group}` : ''}`
      return new IsthmusError('invalid', `${kind} "${subject.name ?? ''}" is invalid: ${text}`, {
        ...details,
        kind: subject.resource.kind,
        causes,
      })
    }
    case 429:
      return tooMany(error)
    case 503:
    case 504:
      return new IsthmusError('unavailable', 'The data plane is not ready to answer', {
        cause: error,
        retryAfterSeconds: error.retryAfterSeconds ?? 1,
      })
    default:
      return new IsthmusError('bad_gateway', 'The data plane answered with an error', { cause: error })
  }
}

/** 404 of a namespace: the same bytes whether it never was, is another's or is gone (rule 10). */
export function namespaceNotFound(name: string): IsthmusError {
  return new IsthmusError('not_found', `namespaces "${name}" not found`, { kind: 'namespaces', name })
}

/** 404 of an object. */
export function objectNotFound(resource: Pick<Resource, 'group' | 'name'>, name: string): IsthmusError {
  return new IsthmusError('not_found', `${qualifiedName(resource)} "${name}" not found`, {
    kind: resource.name,
    group: resource.group || undefined,
    name,
  })
}

/** 422 of an object, with all its faults. */
export function invalidObject(kind: string, name: string, causes: FieldFault[]): IsthmusError {
  const text = causes.map(
    (cause) => `${cause.field}: ${verdicts[cause.reason] ?? 'Invalid value'}: ${cause.message}`,
  )
  const all = text.length === 1 ? text[0] : `[${text.join(', ')}]`
  return new IsthmusError('invalid', `${kind} "${name}" is invalid: ${all}`, { kind, name, causes })
}

/** The words of k8s.io/apimachinery's field errors. */
const verdicts: Readonly<Record<string, string>> = {
  FieldValueForbidden: 'Forbidden',
  FieldValueRequired: 'Required value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueInvalid: 'Invalid value',
}

/** Texts of 400 that hold nothing but container names and their states; logs of a container that has not started. */
const harmless = [
  /^container "?[-a-z0-9]{1,63}"? in pod "?[-a-z0-9.]{1,253}"? is (waiting to start: [A-Za-z ]{1,64}|not available|terminated)$/,
  /^previous terminated container "[-a-z0-9]{1,63}" in pod "[-a-z0-9.]{1,253}" not found$/,
  /^pod [-a-z0-9.]{1,253} does not have a host assigned$/,
  /^the server rejected our request due to an error in our request$/,
]

function badRequestText(error: KubeApiError): string {
  const text = error.status.message ?? ''
  return harmless.some((pattern) => pattern.test(text))
    ? text
    : 'The data plane refused the request as malformed'
}

function forbidden(
  view: TenantView,
  error: KubeApiError,
  subject: ErrorSubject,
  quoted: string,
): IsthmusError {
  const terminating = error.status.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating')
  const base = { kind: subject.resource.name, name: subject.name, cause: error }
  if (terminating) {
    const name = subject.namespace ?? ''
    const message = `namespace ${name} is being terminated`
    return new IsthmusError(
      'forbidden',
      `${quoted} is forbidden: unable to create new content in namespace ${name} because it is being terminated`,
      { ...base, causes: [{ reason: 'NamespaceTerminating', field: 'metadata.namespace', message }] },
    )
  }
  // Pod security admission names the standard and the fields, nothing of the data plane.
  const security = /violates PodSecurity "[a-z]+:[a-z0-9.]+": [^\n]{1,1000}$/.exec(error.status.message ?? '')
  const why = security === null ? 'the data plane does not allow it' : redactText(view, security[0], 'error')
  return new IsthmusError('forbidden', `${quoted} is forbidden: ${why}`, base)
}

function conflict(view: TenantView, error: KubeApiError, quoted: string, details: object): IsthmusError {
  if (error.status.reason === 'AlreadyExists') {
    return new IsthmusError('already_exists', `${quoted} already exists`, details)
  }
  const causes = causesOf(view, error).filter((cause) => cause.reason === 'FieldManagerConflict')
  if (causes.length > 0) {
    const count = `${causes.length} conflict${causes.length === 1 ? '' : 's'}`
    const text = causes.map((cause) => `${cause.message}: ${cause.field}`).join('\n- ')
    return new IsthmusError(
      'conflict',
      `Apply failed with ${count}: ${causes.length === 1 ? text : `\n- ${text}`}`,
      {
        cause: error,
        causes,
      },
    )
  }
  const why = /uid|Precondition failed/i.test(error.status.message ?? '')
    ? 'Precondition failed: the object is another one'
    : 'the object has been modified; please apply your changes to the latest version and try again'
  return new IsthmusError('conflict', `Operation cannot be fulfilled on ${quoted}: ${why}`, details)
}

function tooMany(error: KubeApiError): IsthmusError {
  const budget = error.status.details?.causes?.find((cause) => cause.reason === 'DisruptionBudget')
  if (budget === undefined) {
    return new IsthmusError('too_many_requests', 'The data plane has too many requests; try again', {
      cause: error,
      retryAfterSeconds: error.retryAfterSeconds ?? 1,
    })
  }
  const message = "Cannot evict pod as it would violate the pod's disruption budget."
  return new IsthmusError('too_many_requests', message, {
    cause: error,
    retryAfterSeconds: error.retryAfterSeconds,
    causes: [
      { reason: 'DisruptionBudget', field: '', message: 'The disruption budget needs more healthy pods' },
    ],
  })
}

function causesOf(view: TenantView, error: KubeApiError): FieldFault[] {
  return (error.status.details?.causes ?? []).map((cause) => ({
    field: redactText(view, cause.field ?? '', 'error.field'),
    reason: cause.reason ?? 'FieldValueInvalid',
    message: redactText(view, cause.message ?? '', 'error.message'),
  }))
}
