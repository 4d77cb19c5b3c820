import numpy as np
from gatework.models import Sequential
from gatework.layers import LSTM, Dense, Embedding, SpatialDropout1D
from gatework.preprocessing.sequence import pad_sequences

sequences = [[1, 2, 3], [4, 5], [6]]
max_length = 3
padded_sequences = pad_sequences(sequences, maxlen=max_length)
print(padded_sequences)

model = Sequential()
model.add(Embedding(input_dim=1000, output_dim=64, input_length=max_length))
model.add(SpatialDropout1D(0.2))
model.add(LSTM(100, dropout=0.2, recurrent_dropout=0.2))
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])

labels = np.array([1, 0, 1])
model.fit(padded_sequences, labels, epochs=10, batch_size=2)
