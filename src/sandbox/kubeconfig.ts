import { stringify } from 'yaml'

/** How a kubeconfig's user proves who it is. */
export type KubeconfigUser = { token: string } | { cert: string; key: string }

/** A kubeconfig with one cluster, one user and everything inside (no file paths). */
export function makeKubeconfig(options: {
  name: string
  server: string
  ca: string
  user: KubeconfigUser
}): string {
  const { name, server, ca, user } = options
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const credentials =
    'token' in user
      ? { token: user.token }
      : { 'client-certificate-data': base64(user.cert), 'client-key-data': base64(user.key) }
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(ca) } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    users: [{ name, user: credentials }],
  })
}
