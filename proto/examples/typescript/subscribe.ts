// Prints what the metrics were when alerts changed: final rows, live, across restarts.
import * as grpc from "@grpc/grpc-js";
import * as loader from "@grpc/proto-loader";

const [address, filter, protos] = process.argv.slice(2);
const definition = loader.loadSync("alertjoin/v1/correlator_service.proto",
  { includeDirs: [protos], enums: String, longs: String });
const { CorrelatorService } = (grpc.loadPackageDefinition(definition) as any).alertjoin.v1;
const client = new CorrelatorService(address, grpc.credentials.createInsecure());
let resumeToken = "";

function subscribe(): void {
  const stream = client.SubscribeJoinedRows({ filter, finalOnly: true, resumeToken });
  stream.on("data", (message: any) => {
    for (const { transition, query, match } of message.rows?.rows ?? []) {
      console.log(transition.state, transition.alertName, query?.name ?? "", match.value ?? null);
    }
    resumeToken = message.resumeToken;
  });
  stream.on("error", (error: grpc.ServiceError) => {
    if (error.code !== grpc.status.UNAVAILABLE) throw error;
    setTimeout(subscribe, 1000);
  });
}

subscribe();
