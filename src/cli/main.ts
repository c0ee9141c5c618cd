import type { CommandLineSurroundings } from "./run-command-line.ts";

/**
 * The command line's entry. Help and version answer from here, without loading another file, because a user waits for
 * each; a test holds the text against the table of commands.
 */
const help = `NAME:
   micro - a self-hosted operating system for services

USAGE:
   micro [global flags] COMMAND [flags] [arguments]
   micro SERVICE ENDPOINT [--field=value …]

COMMANDS:
   auth         Manage accounts, rules and tokens
   backup       Copy everything that the server keeps to a file
   broker       Send and print messages
   call         Call an endpoint of a service
   completion   Print a completion script for a shell
   config       Read and change configuration
   describe     Show a service: versions, nodes, endpoints
   dev          Run the services of a folder, and anew when they change
   env          Get and set environments
   events       Publish, consume and read events
   get          Get a resource, like a service
   kill         Stop services and forget them
   login        Log in to the current environment
   logout       Log out of the current environment
   logs         Show the output of services, and the log of the server
   new          Create a service from a template
   promote      Give a canary all calls of its service
   restart      Start the processes of a service anew
   restore      Bring back what micro backup copied
   rollback     Go back to the version of a service before
   run          Run a service from a folder
   scale        Set how many processes a service has
   server       Run the micro server
   services     List the services of the registry
   status       Show how services are
   store        Read and write records and blobs
   stream       Call a streaming endpoint of a service
   update       Replace a running service by new source
   user         Show and change the current user
   help         Show help of a command

GLOBAL FLAGS:
   --env, -e NAME           environment to talk to, for this command only (MICRO_ENV)
   --namespace NAME         namespace to work in (MICRO_NAMESPACE)
   --output, -o json|text   json prints results and errors for programs (MICRO_OUTPUT)
   --config-file, -c FILE   settings file (MICRO_CONFIG_FILE)
   --help, -h               show help
   --version, -v            print the version

Every running service is a command of its own: micro helloworld call --name=Jane`;

const words = process.argv.slice(2);
const only = words.length === 1 ? words[0] : undefined;

if (only === "--help" || only === "-h" || only === "help") {
  console.log(help);
} else {
  const surroundings: CommandLineSurroundings = { variables: process.env, help };
  const { runCommandLine } = await import("./run-command-line.ts");
  process.exitCode = await runCommandLine(words, surroundings);
}
