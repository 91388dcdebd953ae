import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { NewKubeObject } from '../../store/index.ts'
import type { Rbac } from '../auth/rbac.ts'
import { ISSUER } from '../auth/service-account-tokens.ts'
import { asObject } from '../body.ts'
import type { ApiContext, ApiResult } from '../context.ts'
import type { UserInfo } from '../errors.ts'
import type { RequestInfo, Verb } from '../request-info.ts'
import type { ReviewDefinition } from '../resources/catalog.ts'

interface ReviewCall {
  definition: ReviewDefinition
  user: UserInfo
  namespace: string
  body: unknown
}

interface AccessSpec {
  user?: string
  uid?: string
  groups?: string[]
  resourceAttributes?: {
    namespace?: string
    verb?: string
    group?: string
    version?: string
    resource?: string
    subresource?: string
    name?: string
    fieldSelector?: {
      rawSelector?: string
      requirements?: { key: string; operator: string; values?: string[] }[]
    }
  }
  nonResourceAttributes?: { path?: string; verb?: string }
}

/** POST of a review: answered, never stored. */
export function answerReview(context: ApiContext, rbac: Rbac, call: ReviewCall): ApiResult {
  const body = asObject(call.body, call.definition)
  const status = statusOf(context, rbac, call, body)
  const metadata = { ...body.metadata, creationTimestamp: null }
  return { status: 201, body: { ...body, metadata, status } }
}

function statusOf(context: ApiContext, rbac: Rbac, call: ReviewCall, body: NewKubeObject): unknown {
  const spec = (body['spec'] ?? {}) as Record<string, unknown>
  switch (call.definition.kind) {
    case 'SelfSubjectReview':
      return { userInfo: call.user }
    case 'TokenReview':
      return reviewToken(context, spec as { token?: string; audiences?: string[] })
    case 'SelfSubjectAccessReview':
      return review(context, call.user, spec as AccessSpec)
    case 'SubjectAccessReview':
      return review(context, subjectOf(spec as AccessSpec), spec as AccessSpec)
    case 'LocalSubjectAccessReview': {
      const access = spec as AccessSpec
      if (access.resourceAttributes?.namespace !== call.namespace) {
        const text =
          'LocalSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: must match metadata.namespace'
        throw new IsthmusError('invalid', text)
      }
      return review(context, subjectOf(access), access)
    }
    default:
      return rulesStatus(rbac, call.user, spec as { namespace?: string })
  }
}

function reviewToken(context: ApiContext, spec: { token?: string; audiences?: string[] }): unknown {
  const token = spec.token ?? ''
  if (!token) throw new IsthmusError('bad_request', 'token is required for TokenReview in authentication')
  const audiences = spec.audiences?.length ? spec.audiences : [ISSUER]
  const reviewed = context.tokens.review(token, audiences)
  if (reviewed) return { authenticated: true, user: reviewed.user, audiences: reviewed.audiences }
  // A token of the operator's is good for the API's own audience alone.
  const user =
    audiences.includes(ISSUER) && !token.includes('.') ? context.authenticateToken(token) : undefined
  if (user) return { authenticated: true, user, audiences: [ISSUER] }
  return { error: '[invalid bearer token]', user: {} }
}

function subjectOf(spec: AccessSpec): UserInfo {
  if (!spec.user && !spec.groups?.length) {
    const text =
      'SubjectAccessReview.authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be specified'
    throw new IsthmusError('invalid', text)
  }
  return { username: spec.user ?? '', groups: spec.groups ?? [] }
}

function review(context: ApiContext, user: UserInfo, spec: AccessSpec): unknown {
  const info = infoOf(spec)
  const selector = spec.resourceAttributes?.fieldSelector
  const raw =
    selector?.rawSelector ??
    selector?.requirements?.map(({ key, values }) => `${key}=${values?.[0] ?? ''}`).join(',')
  const decision = context.authorize(user, info, new URLSearchParams(raw ? { fieldSelector: raw } : {}))
  return { allowed: decision.allowed, ...(decision.reason ? { reason: decision.reason } : {}) }
}

function infoOf({ resourceAttributes: resource, nonResourceAttributes: path }: AccessSpec): RequestInfo {
  if (path) return { isResource: false, verb: path.verb ?? '', path: path.path ?? '' }
  if (!resource) {
    const text = 'exactly one of nonResourceAttributes or resourceAttributes must be specified'
    throw new IsthmusError(
      'invalid',
      `SubjectAccessReview "" is invalid: spec.resourceAttributes: Invalid value: ${text}`,
    )
  }
  return {
    isResource: true,
    verb: (resource.verb ?? '') as Verb,
    group: resource.group ?? '',
    version: resource.version ?? '*',
    resource: resource.resource ?? '',
    subresource: resource.subresource ?? '',
    namespace: resource.namespace ?? '',
    name: resource.name ?? '',
    path: '',
  }
}

function rulesStatus(rbac: Rbac, user: UserInfo, { namespace }: { namespace?: string }): unknown {
  if (!namespace) throw new IsthmusError('bad_request', 'no namespace on request')
  const everything = [
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
    { verbs: ['*'], nonResourceURLs: ['*'] },
  ]
  const rules = user.groups.includes('system:masters') ? everything : rbac.rulesOf(user, namespace)
  return {
    resourceRules: rules.filter(({ resources }) => resources?.length),
    nonResourceRules: rules.filter(({ nonResourceURLs }) => nonResourceURLs?.length),
    incomplete: false,
  }
}
