import { ScalarType, type DescField, type DescFile } from "@bufbuild/protobuf";
import { describe, expect, it } from "bun:test";
import { file_auth_auth } from "#gen/auth/auth_pb.ts";
import { file_broker_broker } from "#gen/broker/broker_pb.ts";
import { file_config_config } from "#gen/config/config_pb.ts";
import { file_error } from "#gen/error_pb.ts";
import { file_events_events } from "#gen/events/events_pb.ts";
import { file_registry_registry } from "#gen/registry/registry_pb.ts";
import { file_runtime_runtime } from "#gen/runtime/runtime_pb.ts";
import { file_store_store } from "#gen/store/store_pb.ts";

/** What clients of Micro v4 send and expect. Messages as "number type name"; what is not listed is ours, from 100 on. */
interface Contract {
  readonly file: DescFile;
  /** `Type.Method request response`, with `>` before what is a stream. */
  readonly methods: readonly string[];
  readonly messages: Readonly<Record<string, string>>;
}

const map = "map<string,string>";

const contracts: Readonly<Record<string, Contract>> = {
  error: {
    file: file_error,
    methods: [],
    messages: { Error: "1 string id, 2 int32 code, 3 string detail, 4 string status" },
  },
  auth: {
    file: file_auth_auth,
    methods: [
      "Auth.Generate GenerateRequest GenerateResponse",
      "Auth.Inspect InspectRequest InspectResponse",
      "Auth.Token TokenRequest TokenResponse",
      "Accounts.List ListAccountsRequest ListAccountsResponse",
      "Accounts.Delete DeleteAccountRequest DeleteAccountResponse",
      "Accounts.ChangeSecret ChangeSecretRequest ChangeSecretResponse",
      "Rules.Create CreateRuleRequest CreateRuleResponse",
      "Rules.Delete DeleteRuleRequest DeleteRuleResponse",
      "Rules.List ListRulesRequest ListRulesResponse",
    ],
    messages: {
      Options: "1 string namespace",
      Token: "1 string access_token, 2 string refresh_token, 3 int64 created, 4 int64 expiry",
      Account: `1 string id, 2 string type, 4 ${map} metadata, 5 []string scopes, 6 string issuer, 7 string secret, 8 string name`,
      Resource: "1 string name, 2 string type, 3 string endpoint",
      GenerateRequest: `1 string id, 3 ${map} metadata, 4 []string scopes, 5 string secret, 6 string type, 7 string provider, 8 Options options, 9 string name`,
      GenerateResponse: "1 Account account",
      InspectRequest: "1 string token, 2 Options options",
      InspectResponse: "1 Account account",
      TokenRequest: "1 string id, 2 string secret, 3 string refresh_token, 4 int64 token_expiry, 5 Options options",
      TokenResponse: "1 Token token",
      ListAccountsRequest: "1 Options options",
      ListAccountsResponse: "1 []Account accounts",
      DeleteAccountRequest: "1 string id, 2 Options options",
      ChangeSecretRequest: "1 string id, 2 string old_secret, 3 string new_secret, 4 Options options",
      Rule: "1 string id, 2 string scope, 3 Resource resource, 4 Access access, 5 int32 priority",
      CreateRuleRequest: "1 Rule rule, 2 Options options",
      DeleteRuleRequest: "1 string id, 2 Options options",
      ListRulesRequest: "2 Options options",
      ListRulesResponse: "1 []Rule rules",
    },
  },
  broker: {
    file: file_broker_broker,
    methods: ["Broker.Publish PublishRequest Empty", "Broker.Subscribe SubscribeRequest >Message"],
    messages: {
      PublishRequest: "1 string topic, 2 Message message",
      SubscribeRequest: "1 string topic, 2 string queue",
      Message: `1 ${map} header, 2 bytes body`,
    },
  },
  config: {
    file: file_config_config,
    methods: [
      "Config.Get GetRequest GetResponse",
      "Config.Set SetRequest SetResponse",
      "Config.Delete DeleteRequest DeleteResponse",
      "Config.Read ReadRequest ReadResponse",
    ],
    messages: {
      GetRequest: "1 string namespace, 2 string path, 3 Options options",
      GetResponse: "1 Value value",
      SetRequest: "1 string namespace, 2 string path, 3 Value value, 4 Options options",
      DeleteRequest: "1 string namespace, 2 string path",
      ReadRequest: "1 string namespace, 2 string path",
      ReadResponse: "1 Change change",
      Value: "1 string data, 2 string format",
      Options: "1 bool secret",
      Change: "1 string namespace, 2 string path, 3 ChangeSet changeSet",
      ChangeSet: "1 string data, 2 string checksum, 3 string format, 4 string source, 5 int64 timestamp",
    },
  },
  events: {
    file: file_events_events,
    methods: [
      "Stream.Publish PublishRequest PublishResponse",
      "Stream.Consume ConsumeRequest >Event",
      "Store.Read ReadRequest ReadResponse",
      "Store.Write WriteRequest WriteResponse",
    ],
    messages: {
      PublishRequest: `1 string topic, 2 ${map} metadata, 3 bytes payload, 4 int64 timestamp`,
      ConsumeRequest:
        "1 string group, 2 string topic, 3 int64 offset, 4 bool auto_ack, 5 int64 ack_wait, 6 int64 retry_limit",
      AckRequest: "1 string id, 2 bool success",
      Event: `1 string id, 2 string topic, 3 ${map} metadata, 4 bytes payload, 5 int64 timestamp`,
      ReadRequest: "1 string topic, 2 uint64 limit, 3 uint64 offset",
      ReadResponse: "1 []Event events",
      WriteRequest: "1 Event event, 2 int64 ttl",
    },
  },
  registry: {
    file: file_registry_registry,
    methods: [
      "Registry.GetService GetRequest GetResponse",
      "Registry.Register Service EmptyResponse",
      "Registry.Deregister Service EmptyResponse",
      "Registry.ListServices ListRequest ListResponse",
      "Registry.Watch WatchRequest >Result",
    ],
    messages: {
      GetRequest: "1 string service, 2 Options options",
      GetResponse: "1 []Service services",
      ListRequest: "1 Options options",
      ListResponse: "1 []Service services",
      WatchRequest: "1 string service, 2 Options options",
      Service: `1 string name, 2 string version, 3 ${map} metadata, 4 []Endpoint endpoints, 5 []Node nodes, 6 Options options`,
      Node: `1 string id, 2 string address, 3 int64 port, 4 ${map} metadata`,
      Endpoint: `1 string name, 2 Value request, 3 Value response, 4 ${map} metadata`,
      Value: "1 string name, 2 string type, 3 []Value values",
      Options: "1 int64 ttl, 2 string domain",
      Result: "1 string action, 2 Service service, 3 int64 timestamp",
      Event: "1 string id, 2 EventType type, 3 int64 timestamp, 4 Service service",
    },
  },
  runtime: {
    file: file_runtime_runtime,
    methods: [
      "Runtime.Create CreateRequest CreateResponse",
      "Runtime.Read ReadRequest ReadResponse",
      "Runtime.Delete DeleteRequest DeleteResponse",
      "Runtime.Update UpdateRequest UpdateResponse",
      "Runtime.Logs LogsRequest >LogRecord",
      "Source.Upload >UploadRequest UploadResponse",
      "Build.Read Service >BuildReadResponse",
    ],
    messages: {
      CreateRequest: "1 Resource resource, 2 CreateOptions options",
      ReadRequest: "1 ReadOptions options",
      ReadResponse: "1 []Service services",
      DeleteRequest: "1 Resource resource, 2 DeleteOptions options",
      DeleteOptions: "1 string namespace",
      UpdateRequest: "1 Resource resource, 2 UpdateOptions options",
      UploadRequest: "1 Service service, 2 bytes data",
      UploadResponse: "1 string id",
      BuildReadResponse: "1 bytes data",
      Resource:
        "1 Namespace namespace, 2 NetworkPolicy networkpolicy, 3 Service service, 4 ResourceQuota resourcequota",
      Namespace: "1 string name",
      NetworkPolicy: `1 ${map} allowedlabels, 2 string name, 3 string namespace`,
      ResourceQuota: "1 string name, 2 string namespace, 3 Resources requests, 4 Resources limits",
      Resources: "1 int32 Memory, 2 int32 CPU, 3 int32 EphemeralStorage",
      Service: `1 string name, 2 string version, 3 string source, 4 ${map} metadata, 5 int32 status`,
      CreateOptions: `1 []string command, 2 []string args, 3 []string env, 4 string output, 5 string type, 6 string image, 7 string namespace, 8 ${map} secrets, 9 string entrypoint, 10 ${map} volumes, 11 int64 instances, 12 bool force`,
      ReadOptions: "1 string service, 2 string version, 3 string type, 4 string namespace",
      UpdateOptions: "1 string namespace, 2 string entrypoint, 3 int64 instances",
      LogsRequest:
        "1 string service, 2 bool stream, 3 int64 count, 4 int64 since, 5 LogsOptions options, 6 string version",
      LogsOptions: "1 string namespace",
      LogRecord: `1 int64 timestamp, 2 ${map} metadata, 3 string message`,
    },
  },
  store: {
    file: file_store_store,
    methods: [
      "Store.Read ReadRequest ReadResponse",
      "Store.Write WriteRequest WriteResponse",
      "Store.Delete DeleteRequest DeleteResponse",
      "Store.List ListRequest >ListResponse",
      "Store.Databases DatabasesRequest DatabasesResponse",
      "Store.Tables TablesRequest TablesResponse",
      "BlobStore.Read BlobReadRequest >BlobReadResponse",
      "BlobStore.Write >BlobWriteRequest BlobWriteResponse",
      "BlobStore.Delete BlobDeleteRequest BlobDeleteResponse",
      "BlobStore.List BlobListRequest BlobListResponse",
    ],
    messages: {
      ReadRequest: "1 string key, 2 ReadOptions options",
      ReadResponse: "1 []Record records",
      WriteRequest: "1 Record record, 2 WriteOptions options",
      WriteOptions: "1 string database, 2 string table",
      DeleteRequest: "1 string key, 2 DeleteOptions options",
      DeleteOptions: "1 string database, 2 string table",
      ListRequest: "1 ListOptions options",
      ListResponse: "2 []string keys",
      DatabasesRequest: "",
      DatabasesResponse: "1 []string databases",
      TablesRequest: "1 string database",
      TablesResponse: "1 []string tables",
      Record: "1 string key, 2 bytes value, 3 int64 expiry, 4 map<string,Field> metadata",
      Field: "1 string type, 2 string value",
      ReadOptions:
        "1 string database, 2 string table, 3 bool prefix, 4 bool suffix, 5 uint64 limit, 6 uint64 offset, 7 string order",
      ListOptions:
        "1 string database, 2 string table, 3 string prefix, 4 string suffix, 5 uint64 limit, 6 uint64 offset, 7 string order",
      BlobOptions: "1 string namespace, 2 bool public, 3 string contentType",
      BlobReadRequest: "1 string key, 2 BlobOptions options",
      BlobReadResponse: "1 bytes blob",
      BlobWriteRequest: "1 string key, 2 BlobOptions options, 3 bytes blob",
      BlobDeleteRequest: "1 string key, 2 BlobOptions options",
      BlobListRequest: "1 BlobListOptions options",
      BlobListOptions: "1 string namespace, 2 string prefix",
      BlobListResponse: "1 []string keys",
    },
  },
};

function describeMethods(file: DescFile): readonly string[] {
  return file.services.flatMap((service) =>
    service.methods.map((method) => {
      const request = `${method.methodKind.startsWith("client") ? ">" : ""}${method.input.name}`;
      const response = `${method.methodKind.startsWith("server") ? ">" : ""}${method.output.name}`;
      return `${service.name}.${method.name} ${request} ${response}`;
    }),
  );
}

function typeOf(field: DescField): string {
  const element = field.message?.name ?? field.enum?.name ?? ScalarType[field.scalar ?? 0]?.toLowerCase();
  if (field.fieldKind === "map") return `map<string,${element}>`;
  return field.fieldKind === "list" ? `[]${element}` : `${element}`;
}

function describeFields(fields: readonly DescField[]): string {
  const theirs = fields.filter((field) => field.number < 100).toSorted((a, b) => a.number - b.number);
  return theirs.map((field) => `${field.number} ${typeOf(field)} ${field.name}`).join(", ");
}

describe("proto/", () => {
  for (const [name, contract] of Object.entries(contracts)) {
    it(`has the methods of ${name} that clients call`, () => {
      expect(contract.file.proto.package).toBe(name === "error" ? "" : name);
      expect(describeMethods(contract.file)).toEqual(expect.arrayContaining([...contract.methods]));
    });

    it(`has the messages of ${name} that clients send, field by field`, () => {
      const found = contract.file.messages.filter((message) => message.name in contract.messages);
      expect(Object.fromEntries(found.map((message) => [message.name, describeFields(message.fields)]))).toEqual(
        contract.messages,
      );
    });
  }

  it("has the enum values that clients know", () => {
    const valuesOf = (file: DescFile): readonly string[] =>
      file.enums.flatMap((each) => each.values.map((value) => `${each.name} ${value.number} ${value.name}`));
    expect(valuesOf(file_auth_auth)).toEqual(["Access 0 UNKNOWN", "Access 1 GRANTED", "Access 2 DENIED"]);
    expect(valuesOf(file_registry_registry)).toEqual([
      "EventType 0 Create",
      "EventType 1 Delete",
      "EventType 2 Update",
    ]);
  });
});
