import { Command } from 'commander'
import { bootstrapCommand } from './commands/bootstrap.ts'
import { clusterCommand } from './commands/cluster.ts'
import { configCommand } from './commands/config.ts'
import { credentialCommand } from './commands/credential.ts'
import { demoCommand } from './commands/demo.ts'
import { doctorCommand } from './commands/doctor.ts'
import { installCommand } from './commands/install.ts'
import { keysCommand } from './commands/keys.ts'
import { kubeconfigCommand } from './commands/kubeconfig.ts'
import { migrateCommand } from './commands/migrate.ts'
import { nodeCommand } from './commands/node.ts'
import { nounCommand } from './commands/noun.ts'
import { audit, usage } from './commands/nouns.ts'
import { operatorCommand } from './commands/operator.ts'
import { quotaCommand } from './commands/quota.ts'
import { serviceCommand } from './commands/service.ts'
import { services } from './commands/services.ts'
import { sessionCommand } from './commands/session.ts'
import { tenantCommand } from './commands/tenant.ts'
import { tokenCommand } from './commands/token.ts'
import { versionCommand } from './commands/version.ts'
import type { CliEnvironment } from './environment.ts'
import { packageVersion } from './version.ts'

const EXIT_CODES = `
Exit codes:
  0 done   1 failed   2 wrong usage or input   3 not found   4 not allowed   5 conflict   6 unavailable, try again`

/** The whole command line. Reads as the table of contents of the CLI. */
export function createProgram(environment: CliEnvironment): Command {
  const program = new Command('isthmus')
    .description('Multi-tenant serverless Kubernetes on Virtual Kubelet.')
    .version(packageVersion(), '--version', 'print the version')
    .addHelpText('after', EXIT_CODES)
    .showHelpAfterError('(add --help for the options)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => environment.stdout.write(text),
      writeErr: (text) => environment.stderr.write(text),
    })
  for (const service of services) serviceCommand(program, service, environment)
  demoCommand(program)
  tenantCommand(program, environment)
  quotaCommand(program, environment)
  clusterCommand(program, environment)
  installCommand(nodeCommand(program, environment), environment)
  credentialCommand(program, environment)
  sessionCommand(program, environment)
  nounCommand(program, usage, environment)
  nounCommand(program, audit, environment)
  bootstrapCommand(operatorCommand(program, environment), environment)
  kubeconfigCommand(program, environment)
  tokenCommand(program, environment)
  migrateCommand(program, environment)
  configCommand(program, environment)
  keysCommand(program, environment)
  doctorCommand(program, environment)
  versionCommand(program, environment)
  return program
}
