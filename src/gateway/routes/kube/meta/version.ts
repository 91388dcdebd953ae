import { schemaVersion } from '../../../../kube/schema/index.ts'

const [, major = '1', minor = '0'] = /^v(\d+)\.(\d+)/.exec(schemaVersion) ?? []

/** `/version`: the Kubernetes whose API is spoken here; clients compare it for their skew. */
export const versionInfo = {
  major,
  minor,
  gitVersion: `${schemaVersion}+isthmus`,
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'linux/amd64',
}
