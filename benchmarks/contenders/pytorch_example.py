"""PyTorch's MNIST example: trains until an epoch ends at 99.0 % test accuracy.

As published: two 3×3 convolutions (32 and 64 filters), 2×2 max pooling, dropout 0.25, dense 128, dropout 0.5;
pixels standardised by 0.1307 and 0.3081; Adadelta with learning rate 1.0, times 0.7 after each epoch; batch
64. The images are kept in memory, which is faster than the published loader. Prints each epoch's
test accuracy.
"""

import sys
from pathlib import Path

import torch
from arrays import read_mnist
from torch import nn

torch.manual_seed(int(sys.argv[2]))
train_x, train_y, test_x, test_y = (torch.from_numpy(part.copy()) for part in read_mnist(Path(sys.argv[1])))
train_x, test_x = ((images[:, None].float() / 255 - 0.1307) / 0.3081 for images in (train_x, test_x))
train_y, test_y = train_y.long(), test_y.long()
model = nn.Sequential(
    nn.Conv2d(1, 32, 3),
    nn.ReLU(),
    nn.Conv2d(32, 64, 3),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Dropout(0.25),
    nn.Flatten(),
    nn.Linear(9216, 128),
    nn.ReLU(),
    nn.Dropout(0.5),
    nn.Linear(128, 10),
    nn.LogSoftmax(dim=1),
)
optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
for epoch in range(1, 31):
    model.train()
    for batch in torch.randperm(len(train_x)).split(64):
        optimizer.zero_grad()
        nn.functional.nll_loss(model(train_x[batch]), train_y[batch]).backward()
        optimizer.step()
    schedule.step()
    model.eval()
    with torch.no_grad():
        answers = torch.cat([model(images).argmax(dim=1) for images in test_x.split(1_000)])
    accuracy = (answers == test_y).float().mean().item()
    print(epoch, accuracy, flush=True)
    if accuracy >= 0.99:
        break
