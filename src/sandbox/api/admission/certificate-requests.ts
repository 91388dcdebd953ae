import type { AdmissionPlugin } from './index.ts'

/** Who asks for a certificate is written into the request by the server (registry/certificates strategy), whatever it says. */
export const certificateRequester: AdmissionPlugin = ({
  phase,
  operation,
  group,
  resource,
  subresource,
  object,
  oldObject,
  user,
}) => {
  if (phase !== 'mutate' || group !== 'certificates.k8s.io' || subresource || !object) return
  const spec = object['spec'] as Record<string, unknown> | undefined
  if (resource !== 'certificatesigningrequests' || !spec) return
  if (operation === 'CREATE') {
    object['spec'] = { ...spec, username: user.username, groups: user.groups }
  } else if (operation === 'UPDATE' && oldObject) {
    object['spec'] = structuredClone(oldObject['spec']) // immutable
  }
}
