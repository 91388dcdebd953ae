import type { KeyPair } from './certificates.ts'

export interface KubeconfigOptions {
  server: string
  /** PEM. */
  ca: string
  credential: { certificate: KeyPair } | { token: string }
  namespace?: string
}

/** A kubeconfig with everything inside; JSON is YAML. */
export function kubeconfig(options: KubeconfigOptions): string {
  const { credential } = options
  const user =
    'token' in credential
      ? { token: credential.token }
      : {
          'client-certificate-data': base64(credential.certificate.cert),
          'client-key-data': base64(credential.certificate.key),
        }
  return `${JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'main',
          cluster: { server: options.server, 'certificate-authority-data': base64(options.ca) },
        },
      ],
      users: [{ name: 'main', user }],
      contexts: [
        {
          name: 'main',
          context: { cluster: 'main', user: 'main', namespace: options.namespace ?? 'default' },
        },
      ],
      'current-context': 'main',
    },
    undefined,
    2,
  )}\n`
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
