import { fieldsOf } from '../../kube/schema/index.ts'
import { only, refuse, type TypeRules } from './rule.ts'

const STORAGE = 'this kind of volume is not served'
const allowed = new Set(['name', 'configMap', 'secret', 'emptyDir', 'downwardAPI', 'projected'])

/** Kubernetes puts the data plane's own CA into each namespace (kubernetes-face.md 19); the agent's copy has another name. */
export function configMapName(value: unknown): string | undefined {
  return value === 'kube-root-ca.crt' ? 'it is the data plane’s own' : undefined
}

/** A path below the volume: relative, without `..` (CVE-2017-1002101, CVE-2021-25741). */
function pathBelow(value: unknown): string | undefined {
  const path = String(value)
  if (!path.startsWith('/') && !path.split(/[/\\]/).includes('..')) return undefined
  return 'must be relative, without ".."'
}

/** Volumes: what lies in the tenant's own namespace or dies with the pod; everything else is refused by name. */
export const volumeRules: Readonly<Record<string, TypeRules>> = {
  Volume: Object.fromEntries(
    (fieldsOf('Volume') ?? []).map((field) => [field, allowed.has(field) ? 'allow' : refuse(STORAGE)]),
  ),
  VolumeMount: {
    mountPath: 'allow',
    mountPropagation: only('None'),
    name: 'allow',
    readOnly: 'allow',
    recursiveReadOnly: 'allow',
    subPath: pathBelow,
    subPathExpr: refuse('the path can not be checked before it is expanded; use subPath'),
  },
  ConfigMapVolumeSource: { defaultMode: 'allow', items: 'allow', name: configMapName, optional: 'allow' },
  SecretVolumeSource: { defaultMode: 'allow', items: 'allow', optional: 'allow', secretName: 'allow' },
  EmptyDirVolumeSource: { medium: only('', 'Memory'), sizeLimit: 'allow' },
  DownwardAPIVolumeSource: { defaultMode: 'allow', items: 'allow' },
  DownwardAPIVolumeFile: { fieldRef: 'allow', mode: 'allow', path: pathBelow, resourceFieldRef: 'allow' },
  ProjectedVolumeSource: { defaultMode: 'allow', sources: 'allow' },
  VolumeProjection: {
    clusterTrustBundle: refuse('the data plane’s trust is not the tenant’s'),
    configMap: 'allow',
    downwardAPI: 'allow',
    podCertificate: refuse('the data plane’s certificates are not the tenant’s'),
    secret: 'allow',
    serviceAccountToken: refuse(
      'a token of the data plane is not the tenant’s; the agent turns tokens into Secrets',
    ),
  },
  ConfigMapProjection: { items: 'allow', name: configMapName, optional: 'allow' },
  SecretProjection: { items: 'allow', name: 'allow', optional: 'allow' },
  DownwardAPIProjection: { items: 'allow' },
  KeyToPath: { key: 'allow', mode: 'allow', path: pathBelow },
}
