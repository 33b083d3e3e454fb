// Prints what the metrics were when alerts changed: final rows, live, across restarts.
package main

import (
	"context"
	"fmt"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"os"
	pb "subscribe/alertjoin/v1"
)

func main() {
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	request := &pb.SubscribeJoinedRowsRequest{Filter: os.Args[2], FinalOnly: true}
	for err == nil || status.Code(err) == codes.Unavailable {
		client := pb.NewCorrelatorServiceClient(connection)
		stream, failure := client.SubscribeJoinedRows(context.Background(), request, grpc.WaitForReady(true))
		for err = failure; err == nil; {
			message, failure := stream.Recv()
			for _, row := range message.GetRows().GetRows() {
				fmt.Println(row.Transition.State, row.Transition.AlertName, row.Query.GetName(), row.Match.GetValue())
			}
			if err = failure; err == nil {
				request.ResumeToken = message.ResumeToken
			}
		}
	}
	panic(err)
}
